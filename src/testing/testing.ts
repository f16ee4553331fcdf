/** A complete cluster inside a test process: `import { startCluster } from 'holdfast/testing'`. */
export {
  anyImage,
  type FakeExecResult,
  type FakeImage,
  type FakeImages,
  type FakeProcess,
  type FakeRequest,
  imagesNamed,
} from '../fakes/machine/fake-image.ts'
export { Cluster, type Manifest } from './cluster.ts'
export type { ServedCluster, ServeOptions } from './served-cluster.ts'
export type { SettleOptions } from './settle.ts'
export { SimulatedMachine } from './simulated-machine.ts'
export { type ClusterOptions, type SimulatedNode, startCluster } from './start-cluster.ts'
export { type StatefulSetShape, statefulSet } from './stateful-set-manifest.ts'
