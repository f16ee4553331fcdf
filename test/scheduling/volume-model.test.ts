import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Node, PersistentVolume, PersistentVolumeClaim, type Pod } from '../../src/api/core-v1/types.ts'
import { CSINode, StorageClass } from '../../src/api/storage-v1/types.ts'
import type { Client } from '../../src/client/client.ts'
import { VirtualClock } from '../../src/fakes/virtual-clock.ts'
import { ClusterState } from '../../src/scheduler/cluster-state.ts'
import { claimOf, classOf, nodeOf, podOf, volumeOf } from '../../src/scheduler/fixtures.ts'
import type { Plugin } from '../../src/scheduler/plugin.ts'
import { nodeVolumeLimits } from '../../src/scheduler/plugins/node-volume-limits/node-volume-limits.ts'
import { VolumeBinding } from '../../src/scheduler/plugins/volume-binding/volume-binding.ts'
import { volumeZone } from '../../src/scheduler/plugins/volume-zone/volume-zone.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { VolumeLookup } from '../../src/scheduler/volume-lookup.ts'
import { HandFedInformers } from '../network/hand-fed-informers.ts'

/** The same rules, read from the documentation and applied to plain lists, without shelves, promises or counts. */
interface NaiveWorld {
  readonly volumes: readonly PersistentVolume[]
  readonly claims: readonly PersistentVolumeClaim[]
  readonly classes: readonly StorageClass[]
  readonly placed: readonly { readonly pod: Pod; readonly node: string }[]
  /** Volumes of the driver that each machine can attach. */
  readonly limits: ReadonlyMap<string, number>
}
type Rule = (pod: Pod, node: Node, world: NaiveWorld) => boolean

const ZONE = 'topology.kubernetes.io/zone'
const HOST = 'kubernetes.io/hostname'
const DRIVER = 'example.com/csi'
const SELECTED = 'volume.kubernetes.io/selected-node'

const labelsOf = ({ metadata }: { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } }) =>
  metadata.labels ?? {}
const claimsOf = ({ spec }: Pod, { claims }: NaiveWorld) =>
  (spec.volumes ?? []).map(({ persistentVolumeClaim }) =>
    claims.find(({ metadata }) => metadata.name === persistentVolumeClaim!.claimName),
  )
const volumeNamed = ({ volumes }: NaiveWorld, name: string | undefined) =>
  volumes.find(({ metadata }) => metadata.name === name)
const classNamed = ({ classes }: NaiveWorld, name: string | undefined) =>
  classes.find(({ metadata }) => metadata.name === name)
const gibibytes = (text: unknown) => Number.parseInt(String(text), 10)
const isBound = ({ metadata, spec }: PersistentVolumeClaim) =>
  spec.volumeName !== undefined && metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined

const reaches = ({ spec }: PersistentVolume, node: Node): boolean => {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  return (
    !terms ||
    terms.some(({ matchExpressions = [] }) =>
      matchExpressions.every(({ key, values }) => values!.includes(labelsOf(node)[key]!)),
    )
  )
}

const isFor = ({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  claimRef?.name === metadata.name && (claimRef.uid === undefined || claimRef.uid === metadata.uid)

const serves = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  volume.spec.claimRef === undefined &&
  volume.status.phase === 'Available' &&
  volume.metadata.deletionTimestamp === undefined &&
  volume.spec.storageClassName === claim.spec.storageClassName &&
  gibibytes(volume.spec.capacity!.storage) >= gibibytes(claim.spec.resources!.requests!.storage) &&
  claim.spec.accessModes!.every(mode => volume.spec.accessModes!.includes(mode)) &&
  Object.entries(claim.spec.selector?.matchLabels ?? {}).every(([key, value]) => labelsOf(volume)[key] === value)

const bySizeThenName = (a: PersistentVolume, b: PersistentVolume): number =>
  gibibytes(a.spec.capacity!.storage) - gibibytes(b.spec.capacity!.storage) ||
  (a.metadata.name < b.metadata.name ? -1 : 1)

const findsVolumes: Rule = (pod, node, world) => {
  const claims = claimsOf(pod, world)
  const taken = new Set<PersistentVolume>()
  const findsVolume = (claim: PersistentVolumeClaim): boolean => {
    const storageClass = classNamed(world, claim.spec.storageClassName)
    const selected = claim.metadata.annotations?.[SELECTED]
    if (selected !== undefined && selected !== node.metadata.name) return false
    const reserved = world.volumes.find(
      volume =>
        isFor(volume, claim) &&
        gibibytes(volume.spec.capacity!.storage) >= gibibytes(claim.spec.resources!.requests!.storage),
    )
    const choice =
      selected !== undefined
        ? undefined // A provisioner is at work for it already.
        : reserved
          ? [reserved].find(volume => reaches(volume, node))
          : world.volumes
              .filter(volume => serves(volume, claim) && reaches(volume, node) && !taken.has(volume))
              .toSorted(bySizeThenName)[0]
    if (choice) {
      taken.add(choice)
      return true
    }
    const terms = storageClass?.allowedTopologies ?? []
    return (
      storageClass?.provisioner === DRIVER &&
      (terms.length === 0 ||
        terms.some(({ matchLabelExpressions = [] }) =>
          matchLabelExpressions.every(({ key, values }) => values.includes(labelsOf(node)[key]!)),
        ))
    )
  }
  return claims.every(claim => {
    if (!claim || claim.metadata.deletionTimestamp || claim.status.phase === 'Lost') return false
    const volume = volumeNamed(world, claim.spec.volumeName)
    if (isBound(claim)) return volume !== undefined && reaches(volume, node)
    const storageClass = classNamed(world, claim.spec.storageClassName)
    return !claim.spec.volumeName && storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && findsVolume(claim)
  })
}

const isInZone: Rule = (pod, node, world) =>
  claimsOf(pod, world).every(claim => {
    const zone = labelsOf(volumeNamed(world, claim?.spec.volumeName) ?? { metadata: {} })[ZONE]
    const own = labelsOf(node)[ZONE]
    return zone === undefined || own === undefined || zone.split('__').includes(own)
  })

const isWithinLimit: Rule = (pod, node, world) => {
  const limit = world.limits.get(node.metadata.name)
  const handlesOf = (one: Pod): readonly string[] =>
    claimsOf(one, world).flatMap(claim => {
      const volume = volumeNamed(world, claim?.spec.volumeName)
      if (volume) return volume.spec.csi ? [volume.spec.csi.volumeHandle] : []
      const isMade = classNamed(world, claim?.spec.storageClassName)?.provisioner === DRIVER
      return claim && isMade ? [`to be made for ${claim.metadata.name}`] : []
    })
  const attached = new Set(
    world.placed.filter(each => each.node === node.metadata.name).flatMap(each => handlesOf(each.pod)),
  )
  const fresh = handlesOf(pod).filter(handle => !attached.has(handle))
  return limit === undefined || fresh.length === 0 || new Set([...attached, ...fresh]).size <= limit
}

const zones = fc.constantFrom('a', 'b')
const sizes = fc.constantFrom('1Gi', '1Gi', '2Gi', '3Gi')
const classes = fc.oneof(
  { weight: 8, arbitrary: fc.constant('hand') },
  fc.constantFrom('made', 'zoned', 'soon', 'absent'),
)
const tiers = fc.constantFrom('fast', 'slow')
const modes = fc.constantFrom(['ReadWriteOnce'], ['ReadWriteOnce'], ['ReadOnlyMany'], ['ReadWriteOnce', 'ReadOnlyMany'])
const claimIndex = fc.nat(4)
/** The last one is of no claim. */
const use = fc.nat(9)

const classList: readonly StorageClass[] = [
  classOf('hand'),
  classOf('made', { provisioner: DRIVER }),
  classOf('zoned', {
    provisioner: DRIVER,
    allowedTopologies: [{ matchLabelExpressions: [{ key: ZONE, values: ['a'] }] }],
  }),
  classOf('soon', { provisioner: DRIVER, volumeBindingMode: 'Immediate' }),
]

const place = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.record({ key: fc.constant(HOST), values: fc.subarray(['node-0', 'node-1', 'node-2'], { minLength: 1 }) }),
  fc.record({ key: fc.constant(ZONE), values: fc.subarray(['a', 'b'], { minLength: 1 }) }),
)

const volume = fc.record({
  storageClassName: classes,
  storage: sizes,
  accessModes: modes,
  place,
  zone: fc.option(fc.constantFrom('a', 'b', 'a__b'), { nil: undefined }),
  tier: tiers,
  phase: fc.oneof({ weight: 5, arbitrary: fc.constant('Available' as const) }, fc.constant('Released' as const)),
  reservedFor: fc.option(claimIndex, { nil: undefined, freq: 4 }),
  isTerminating: fc.constantFrom(false, false, false, false, true),
  isAttached: fc.boolean(),
})

const claim = fc.record({
  storageClassName: classes,
  storage: sizes,
  accessModes: modes,
  tier: fc.option(tiers, { nil: undefined, freq: 2 }),
  state: fc.oneof(
    { weight: 6, arbitrary: fc.constant('free') },
    fc.constantFrom('bound', 'bound', 'named', 'lost', 'selected', 'terminating'),
  ),
  to: fc.nat(5),
})

const world = fc.record({
  nodes: fc.array(fc.record({ zone: fc.option(zones, { nil: undefined }), limit: fc.option(fc.nat(2)) }), {
    minLength: 1,
    maxLength: 3,
  }),
  volumes: fc.array(volume, { minLength: 1, maxLength: 6 }),
  claims: fc.array(claim, { minLength: 2, maxLength: 5 }),
  placed: fc.array(fc.record({ uses: fc.array(use, { maxLength: 2 }), on: fc.nat(2), leaves: fc.boolean() }), {
    maxLength: 4,
  }),
  candidates: fc.array(fc.uniqueArray(use, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
})
type Traits<T> = T extends fc.Arbitrary<infer Value> ? Value : never

function volumeFrom(traits: Traits<typeof volume>, index: number): PersistentVolume {
  const { storageClassName, storage, accessModes, place: where, zone, tier, phase, reservedFor, isAttached } = traits
  const made = volumeOf(`pv-${index}`, {
    storage,
    labels: { tier, ...(zone && { [ZONE]: zone }) },
    phase,
    spec: {
      storageClassName,
      accessModes,
      ...(where && {
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ ...where, operator: 'In' }] }] } },
      }),
      ...(reservedFor !== undefined && { claimRef: { namespace: 'default', name: `claim-${reservedFor}` } }),
      ...(isAttached && { csi: { driver: DRIVER, volumeHandle: `handle-${index % 3}` } }),
    },
  })
  const { isTerminating } = traits
  return isTerminating && reservedFor === undefined
    ? { ...made, metadata: { ...made.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    : made
}

function claimFrom(traits: Traits<typeof claim>, index: number): PersistentVolumeClaim {
  const { storageClassName, storage, accessModes, tier, state, to } = traits
  const spec = {
    storageClassName,
    accessModes,
    resources: { requests: { storage } },
    ...(tier && { selector: { matchLabels: { tier } } }),
    ...((state === 'bound' || state === 'named' || state === 'lost') && { volumeName: `pv-${to}` }),
  }
  const annotations = {
    ...(state === 'bound' && { 'pv.kubernetes.io/bind-completed': 'yes' }),
    ...(state === 'selected' && { [SELECTED]: `node-${to % 3}` }),
  }
  const made = claimOf(`claim-${index}`, spec, annotations)
  const phase = state === 'lost' ? 'Lost' : state === 'bound' ? 'Bound' : 'Pending'
  return {
    ...made,
    metadata: {
      ...made.metadata,
      ...(state === 'terminating' && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    status: { phase },
  }
}

const podWith = (name: string, uses: readonly number[], claimCount: number): Pod =>
  podOf(name, { claims: [...new Set(uses.map(index => `claim-${index === 9 ? 9 : index % claimCount}`))] })

interface Parts {
  readonly informers: HandFedInformers
  readonly lookup: VolumeLookup
  readonly state: ClusterState
}

const cases: readonly { readonly name: string; readonly plugin: (parts: Parts) => Plugin; readonly rule: Rule }[] = [
  {
    name: 'volume binding',
    plugin({ lookup, state }) {
      const client = {} as Client // Filters ask nothing of the server.
      const plugin = new VolumeBinding({ client, clock: new VirtualClock(), lookup, state, wake: () => {} })
      plugin.start()
      return plugin
    },
    rule: findsVolumes,
  },
  { name: 'volume zones', plugin: ({ lookup }) => volumeZone(lookup), rule: isInZone },
  {
    name: 'volume limits',
    plugin: ({ informers, lookup }) => nodeVolumeLimits(informers, lookup),
    rule: isWithinLimit,
  },
]

test.each(cases)('$name: the plugin allows just the machines that the rules allow', ({ plugin, rule }) => {
  fc.assert(
    fc.property(world, traits => {
      const informers = new HandFedInformers()
      const state = new ClusterState(() => undefined)
      const lookup = new VolumeLookup(informers)
      const subject = plugin({ informers, lookup, state })
      const volumes = traits.volumes.map(volumeFrom)
      const claims = traits.claims.map(claimFrom)
      const nodes = traits.nodes.map(({ zone }, index) =>
        nodeOf(`node-${index}`, { labels: zone === undefined ? {} : { [ZONE]: zone } }),
      )
      for (const each of classList) informers.set(StorageClass, each)
      for (const each of volumes) {
        informers.set(PersistentVolume, { ...each, status: { phase: 'Pending' } }) // What is filed must be filed anew.
        informers.set(PersistentVolume, each)
      }
      for (const each of claims) informers.set(PersistentVolumeClaim, each)
      for (const each of nodes) state.setNode(each)
      const limits = new Map<string, number>()
      for (const [index, { limit }] of traits.nodes.entries()) {
        if (limit === null) continue
        limits.set(`node-${index}`, limit)
        informers.set(CSINode, {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: nodes[index]!.metadata,
          spec: { drivers: [{ name: DRIVER, nodeID: `node-${index}`, allocatable: { count: limit } }] },
        })
      }
      const placed: { pod: Pod; node: string }[] = []
      for (const [index, { uses, on, leaves }] of traits.placed.entries()) {
        const pod = podWith(`pod-${index}`, uses, claims.length)
        const node = `node-${on % nodes.length}`
        state.place(podInfoOf(pod), node, { isAssumed: false })
        if (leaves) state.remove(pod.metadata.uid)
        else placed.push({ pod, node })
      }
      for (const [index, uses] of traits.candidates.entries()) {
        const pod = podWith(`candidate-${index}`, uses, claims.length)
        const filter = subject.filterFor?.(podInfoOf(pod))
        const allowed = state.nodes.filter(
          each =>
            !filter ||
            (filter.kind === 'where' && (filter.among?.(each) ?? true) && filter.refusalOf(each) === undefined),
        )
        const expected = nodes.filter(each => rule(pod, each, { volumes, claims, classes: classList, placed, limits }))
        expect(allowed.map(({ name }) => name).sort()).toEqual(expected.map(({ metadata }) => metadata.name).sort())
      }
    }),
    { numRuns: 1000 },
  )
})
