import { expect, test } from 'vitest'
import { crashIn, crashText } from './crash-event.ts'

test('what is told of a crash is read back, also out of an event that stands for several', () => {
  const crash = { containerName: 'main', exitCode: 3, lastLine: 'cannot open /data: read-only file system' }
  expect(crashIn(crashText(crash))).toEqual(crash)
  expect(crashIn(`(combined from similar events): ${crashText(crash)}`)).toEqual(crash)
  expect(crashIn('Back-off restarting failed container main in pod web-0')).toBeUndefined()
})
