import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/apps-v1/types.ts'
import { metaOf } from '../fixtures.ts'
import { DESIRED_REPLICAS, MAX_REPLICAS } from './replica-set-annotations.ts'

const selector = { matchLabels: { app: 'web' } }
const templateOf = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image }] },
})

export const deploymentOf = (
  spec: Partial<Deployment['spec']> = {},
  status: Deployment['status'] = {},
): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...metaOf('web'), generation: 1 },
  spec: {
    replicas: 10,
    selector,
    template: templateOf('nginx:2'),
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    ...spec,
  },
  status,
})

export interface SetTraits {
  readonly replicas: number
  readonly available?: number
  readonly image?: string
  readonly desired?: number
  readonly max?: number
  readonly createdAt?: string
}

export const replicaSetOf = (name: string, traits: SetTraits): ReplicaSet => {
  const { replicas, available = replicas, image = 'nginx:1', desired, max, createdAt = '2026-01-01T00:00:00Z' } = traits
  const annotations = {
    ...(desired !== undefined && { [DESIRED_REPLICAS]: String(desired) }),
    ...(max !== undefined && { [MAX_REPLICAS]: String(max) }),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...metaOf(name), annotations, creationTimestamp: createdAt },
    spec: { replicas, selector, template: templateOf(image) },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  }
}

export const progressOf = (reason: string, lastUpdateTime: string): DeploymentCondition => ({
  type: 'Progressing',
  status: 'True',
  reason,
  message: '',
  lastUpdateTime,
  lastTransitionTime: lastUpdateTime,
})
