import { expect, test } from 'vitest'
import type { Container, Pod } from '../api/core-v1/types.ts'
import { countedAmount, effectiveLimitsOf, effectiveRequestsOf, type ResourceUser } from './pod-resources.ts'

const container = (cpu: string | undefined, more: Partial<Container> = {}): Container => ({
  name: 'c',
  resources: { ...(cpu && { requests: { cpu }, limits: { cpu } }) },
  ...more,
})
const sidecar = (cpu: string): Container => container(cpu, { restartPolicy: 'Always' })
const milliCpu = (spec: ResourceUser['spec'], status?: Pod['status']): number =>
  countedAmount('cpu', effectiveRequestsOf({ spec, ...(status && { status }) }).get('cpu') ?? 0n)

test('containers add up', () => {
  expect(milliCpu({ containers: [container('100m'), container('1'), container(undefined)] })).toBe(1100)
})

test('an init container counts only as far as it needs more than all containers together', () => {
  expect(milliCpu({ containers: [container('500m')], initContainers: [container('2'), container('1')] })).toBe(2000)
  expect(milliCpu({ containers: [container('3')], initContainers: [container('2')] })).toBe(3000)
})

test('sidecars count beside the containers, and beside the init containers that come after them', () => {
  expect(milliCpu({ containers: [container('500m')], initContainers: [sidecar('200m')] })).toBe(700)
  const later = [sidecar('200m'), container('1')]
  expect(milliCpu({ containers: [container('500m')], initContainers: later })).toBe(1200)
  const earlier = [container('1'), sidecar('200m')]
  expect(milliCpu({ containers: [container('500m')], initContainers: earlier })).toBe(1000)
})

test('overhead comes on top, and resources of the Pod itself replace those of its containers', () => {
  const containers = [container('500m')]
  expect(milliCpu({ containers, overhead: { cpu: '50m' } })).toBe(550)
  expect(milliCpu({ containers, resources: { requests: { cpu: '2' } }, overhead: { cpu: '50m' } })).toBe(2050)
})

test('while a container is resized, the larger of asked and held counts', () => {
  const held = { name: 'c', image: '', imageID: '', ready: true, restartCount: 0, allocatedResources: { cpu: '1' } }
  expect(milliCpu({ containers: [container('500m')] }, { containerStatuses: [held] })).toBe(1000)
  expect(milliCpu({ containers: [container('2')] }, { containerStatuses: [held] })).toBe(2000)
})

test('limits follow the same rules, with overhead only where there is a limit', () => {
  const spec = { containers: [container('1')], overhead: { cpu: '100m', memory: '64Mi' } }
  const limits = effectiveLimitsOf({ spec })
  expect(countedAmount('cpu', limits.get('cpu')!)).toBe(1100)
  expect(limits.has('memory')).toBe(false)
})
