import '../../examples/testing/stateful-set.test.ts' // The examples of the testing library are tests themselves.
