import type { Container, Node, Pod, Service } from '../api/core-v1/types.ts'
import type { StoredMeta } from '../api/kind.ts'

/** Stored objects for tests of deciding functions, complete enough to be read. */
export const metaOf = (name: string, more: Partial<StoredMeta> = {}): StoredMeta & { namespace: string } => ({
  name,
  namespace: 'demo',
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
})

export interface PodTraits {
  readonly ip?: string
  readonly isReady?: boolean
  readonly readySince?: string
  readonly isTerminating?: boolean
  readonly meta?: Partial<StoredMeta>
  readonly spec?: Partial<Pod['spec']>
  readonly status?: Partial<Pod['status']>
}

export function podOf(name: string, traits: PodTraits = {}): Pod {
  const { ip, isReady = true, readySince = '2026-01-01T00:00:00Z', isTerminating, meta, spec, status } = traits
  const deletion = isTerminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}
  const ready = { type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: readySince }
  const containers: Container[] = [{ name: 'main', image: 'nginx' }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metaOf(name), labels: { app: 'web' }, ...deletion, ...meta } as Pod['metadata'],
    spec: { containers, ...spec },
    status: { phase: 'Running', ...(ip && { podIP: ip, podIPs: [{ ip }] }), conditions: [ready], ...status },
  }
}

export const serviceOf = (
  name: string,
  spec: Partial<Service['spec']> = {},
  meta: Partial<StoredMeta> = {},
): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metaOf(name, meta) as Service['metadata'],
  spec: { selector: { app: 'web' }, clusterIP: 'None', ports: [{ name: 'web', port: 80 }], ...spec },
  status: {},
})

export const nodeOf = (
  name: string,
  more: { meta?: Partial<StoredMeta>; spec?: Node['spec']; status?: Node['status'] } = {},
): Node => {
  const { namespace: _, ...metadata } = metaOf(name, more.meta)
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    spec: more.spec ?? {},
    status: more.status ?? { conditions: [{ type: 'Ready', status: 'True' }] },
  }
}
