import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Endpoint, EndpointSlice } from '../../api/discovery-v1/types.ts'
import { metaOf } from '../fixtures.ts'
import { ENDPOINTS_PER_SLICE_MAX, type EndpointGroup, type Packing, packingOf } from './packing.ts'

const ports = [{ name: 'web', port: 80, protocol: 'TCP' as const }]
const endpoint = (id: number, ready = true): Endpoint => ({
  addresses: [`10.244.0.${id}`],
  conditions: { ready },
  targetRef: { uid: `u${id}` },
})
const groupOf = (ids: readonly number[]): EndpointGroup => ({
  addressType: 'IPv4',
  ports: ids.length > 0 ? ports : [],
  endpoints: ids.map(id => endpoint(id)),
})
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at)

let created = 0
function carryOut(slices: readonly EndpointSlice[], { create, update, remove }: Packing): EndpointSlice[] {
  const changed = new Map(update.map(({ slice, content }) => [slice, { ...slice, ...content }]))
  const kept = slices.filter(slice => !remove.includes(slice)).map(slice => changed.get(slice) ?? slice)
  const added = create.map(
    content =>
      ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: metaOf(`s${created++}`),
        ...content,
      }) as EndpointSlice,
  )
  return [...kept, ...added]
}
const idsIn = (slices: readonly EndpointSlice[]): string[] =>
  slices.flatMap(({ endpoints = [] }) => endpoints.map(({ targetRef }) => targetRef!.uid!)).sort()

test('a Service without endpoints has one empty slice, and keeps it', () => {
  const empty = carryOut([], packingOf([groupOf([])], []))
  expect(empty).toHaveLength(1)
  expect(packingOf([groupOf([])], empty)).toEqual({ create: [], update: [], remove: [] })
})

test('a change of one endpoint changes only its slice', () => {
  const slices = carryOut([], packingOf([groupOf(range(0, 250))], []))
  expect(slices.map(({ endpoints }) => endpoints?.length)).toEqual([100, 100, 50])
  const group = groupOf(range(0, 250))
  const changed = { ...group, endpoints: group.endpoints.map((old, at) => (at === 120 ? endpoint(120, false) : old)) }
  const { create, update, remove } = packingOf([changed], slices)
  expect(update.map(({ slice }) => slice)).toEqual([slices[1]])
  expect([create, remove]).toEqual([[], []])
})

test('many new endpoints make whole slices, and the rest of them goes where there is room', () => {
  const slices = carryOut([], packingOf([groupOf(range(0, 1))], []))
  const packed = carryOut(slices, packingOf([groupOf(range(0, 150))], slices))
  expect(packed.map(({ endpoints }) => endpoints?.length)).toEqual([50, 100])
})

test('new endpoints go where one write places them all', () => {
  const slices = carryOut([], packingOf([groupOf(range(0, 150))], []))
  const { create, update } = packingOf([groupOf(range(0, 160))], slices)
  expect(create).toEqual([])
  expect(update.map(({ slice }) => slice)).toEqual([slices[1]])
})

test('endpoints whose ports change move to slices of those ports', () => {
  const slices = carryOut([], packingOf([groupOf([1, 2])], []))
  const moved = { ...groupOf([1, 2]), ports: [{ name: 'web', port: 81, protocol: 'TCP' as const }] }
  const { create, remove } = packingOf([moved], slices)
  expect(create).toHaveLength(1)
  expect(remove).toEqual(slices)
})

test('an endpoint that stands in two slices stays in one', () => {
  const [slice] = carryOut([], packingOf([groupOf([1, 2])], []))
  const twin = { ...slice!, metadata: metaOf('twin') } as EndpointSlice
  const after = carryOut([slice!, twin], packingOf([groupOf([1, 2])], [slice!, twin]))
  expect(idsIn(after)).toEqual(['u1', 'u2'])
})

test('whatever comes and goes, every endpoint stands in exactly one slice and no slice is too long', () => {
  const sets = fc.array(fc.uniqueArray(fc.nat({ max: 400 }), { maxLength: 350 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(sets, steps => {
      let slices: EndpointSlice[] = []
      for (const ids of steps) {
        slices = carryOut(slices, packingOf([groupOf(ids)], slices))
        expect(idsIn(slices)).toEqual(ids.map(id => `u${id}`).sort())
        for (const { endpoints = [] } of slices) expect(endpoints.length).toBeLessThanOrEqual(ENDPOINTS_PER_SLICE_MAX)
        expect(packingOf([groupOf(ids)], slices)).toEqual({ create: [], update: [], remove: [] })
      }
    }),
    { numRuns: 50 },
  )
})
