import type { ControllerRevision, StatefulSet } from '../../api/apps-v1/types.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/core-v1/types.ts'
import type { StoredMeta } from '../../api/kind.ts'
import { controllerReferenceTo } from '../../machinery/object.ts'
import { metaOf, type PodTraits, podOf } from '../fixtures.ts'
import { revisionDataOf } from '../revisions/revision-data.ts'
import { defaultFeatures, type StatefulSetFeatures } from './features.ts'
import type { Plan, Step } from './plan.ts'
import { placesOf, type World } from './world.ts'

/** The moment at which all deciding functions are tested. */
const NOW = new Date('2026-01-01T01:00:00Z')

export function setOf(
  spec: Partial<StatefulSet['spec']> = {},
  more: { readonly meta?: Partial<StoredMeta>; readonly status?: Partial<StatefulSet['status']> } = {},
): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...metaOf('web'), generation: 1, ...more.meta } as StatefulSet['metadata'],
    spec: {
      replicas: 3,
      serviceName: 'nginx',
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status: { replicas: 0, ...more.status },
  }
}

export const dataTemplate = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce' as const] } }

const OLD = 'web-old'
const NEW = 'web-new'

const revisionNamed = (name: string, image = name): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: metaOf(name) as ControllerRevision['metadata'],
  data: revisionDataOf({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image }] } })
    .object,
  revision: 1,
})

/** `a` available, `u` running but not ready, `p` pending, `t` terminating, `f` failed, `s` succeeded; capitals: new revision. */
export function member(set: StatefulSet, ordinal: number, letter: string, more: PodTraits = {}): Pod {
  const state = letter.toLowerCase()
  const name = `${set.metadata.name}-${ordinal}`
  const phase = { p: 'Pending', f: 'Failed', s: 'Succeeded' }[state] ?? 'Running'
  return podOf(name, {
    isReady: state === 'a' || state === 't',
    isTerminating: state === 't',
    ...more,
    meta: {
      labels: {
        app: 'web',
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
        'controller-revision-hash': letter === state ? OLD : NEW,
      },
      ownerReferences: [controllerReferenceTo(set)],
      ...more.meta,
    },
    status: { phase: phase as 'Running', ...more.status },
  })
}

export interface WorldTraits {
  /** One letter an ordinal as `member` reads them; `.` for no Pod. */
  readonly pods?: string
  readonly spec?: Partial<StatefulSet['spec']>
  readonly meta?: Partial<StoredMeta>
  readonly status?: Partial<StatefulSet['status']>
  readonly claims?: readonly PersistentVolumeClaim[]
  readonly features?: Partial<StatefulSetFeatures>
  /** Instead of `pods`. */
  readonly members?: readonly Pod[]
}

export function worldOf({ pods = '', spec, meta, status, claims = [], features, members }: WorldTraits): World {
  const set = setOf(spec, { ...(meta && { meta }), ...(status && { status }) })
  const lettered = pods.split('').flatMap((letter, ordinal) => (letter === '.' ? [] : [member(set, ordinal, letter)]))
  return {
    set,
    ...placesOf(set, members ?? lettered),
    currentRevision: revisionNamed(OLD),
    updateRevision: revisionNamed(NEW),
    claimNamed: name => claims.find(({ metadata }) => metadata.name === name),
    replacementWaitMs: () => 0,
    features: { ...defaultFeatures, ...features },
    now: NOW,
  }
}

export const claimOf = (name: string, meta: Partial<StoredMeta> = {}, phase = 'Bound'): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: metaOf(name, meta) as PersistentVolumeClaim['metadata'],
  spec: { accessModes: ['ReadWriteOnce'] },
  status: { phase: phase as 'Bound' },
})

/** `create 0`, `delete web-2`: one line a step. */
export const stepTexts = ({ stages }: Plan): readonly string[] => stages.flat().map(stepText)

const VERBS = { deletePod: 'delete', createClaims: 'claims', repairPod: 'repair', retainClaims: 'retain' }

const stepText = (step: Step): string =>
  step.kind === 'createPod' ? `create ${step.ordinal}` : `${VERBS[step.kind]} ${step.pod.metadata.name}`
