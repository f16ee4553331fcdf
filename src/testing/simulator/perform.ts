import { StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod } from '../../api/core-v1/types.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Cluster } from '../cluster.ts'
import { statefulSet } from '../stateful-set-manifest.ts'
import type { Faults } from './faults.ts'
import { performWild } from './perform-wild.ts'
import { type Action, IMAGES, type SetPlan, type WildDeed } from './scenario.ts'

/** What the user did on purpose, which no rule forbids. */
export interface UserDeeds {
  /** A Pod was deleted, and whether by force: then its container may outlive it for a while. */
  deletedPod(uid: string, isForced: boolean): void
  /** A Pod got a finalizer, or lost it again: until then it may not go. */
  heldPod(uid: string, isHeld: boolean): void
}

const NAMESPACE = 'default'

export interface Stage {
  readonly cluster: Cluster
  readonly faults: Faults
  readonly plans: readonly SetPlan[]
  readonly user: UserDeeds
  /** Undoes a fault at a later time. */
  readonly later: (delayMs: number, undo: () => void | Promise<void>) => void
}

export const manifestOf = (plan: SetPlan, image: string = IMAGES.good[0]) =>
  statefulSet(plan.name, {
    replicas: plan.replicas,
    image,
    claims: plan.hasClaim ? ['data'] : [],
    container: plan.hasProbe ? { readinessProbe: { httpGet: { port: 80, path: '/' }, periodSeconds: 2 } } : {},
    pod: { terminationGracePeriodSeconds: 5 },
    spec: {
      podManagementPolicy: plan.isParallel ? 'Parallel' : 'OrderedReady',
      minReadySeconds: plan.minReadySeconds,
      ordinals: { start: plan.start },
      updateStrategy: {
        type: 'RollingUpdate',
        rollingUpdate: { partition: plan.partition, maxUnavailable: plan.maxUnavailable },
      },
      ...(plan.keepsClaims
        ? {}
        : { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' } }),
    },
  })

/** Does one thing. What the server refuses, or what is not there, is no failure: users meet that as well. */
export async function perform(action: Action, stage: Stage): Promise<void> {
  try {
    await performed(action, stage)
  } catch (error) {
    const { failsStore, losesReplies, strikes } = stage.faults
    const isInjected = failsStore || losesReplies || strikes !== undefined
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict') && !isInjected) throw error
  }
}

function performed(action: Action, stage: Stage): Promise<void> | void {
  const { cluster } = stage
  switch (action.kind) {
    case 'loseLeader':
      return cluster.restartControllers()
    case 'loseServer':
      return cluster.restartServer()
    case 'loseReplies':
      return lasting('losesReplies', action.forMs, stage)
    case 'delayWatches':
      return lasting('delaysWatches', action.forMs, stage)
    case 'failStore':
      return lasting('failsStore', action.forMs, stage)
    case 'crashMachine':
    case 'cutMachine':
    case 'stopKubelet':
    case 'fillDisk':
      return befall(action, stage)
    case 'killLeader':
    case 'killServer':
    case 'lateReplies':
    case 'staleCaches':
    case 'slowMachine':
    case 'shiftClock':
    case 'limitPods':
    case 'stageRollout':
    case 'holdPod':
      return performWild(action, stage)
    default:
      return userDoes(action, stage)
  }
}

function lasting(
  fault: 'losesReplies' | 'delaysWatches' | 'failsStore',
  forMs: number,
  { faults, later }: Stage,
): void {
  faults[fault] = true
  later(forMs, () => {
    faults[fault] = false
  })
}

type MachineFault = Extract<Action, { readonly kind: 'crashMachine' | 'cutMachine' | 'stopKubelet' | 'fillDisk' }>
type UserAction = Exclude<Extract<Action, { readonly set: string }>, WildDeed>

async function befall({ kind, node, forMs }: MachineFault, { cluster, later }: Stage): Promise<void> {
  const machine = cluster.node(node)
  switch (kind) {
    case 'crashMachine':
      await machine.crash()
      return later(forMs, () => machine.start())
    case 'stopKubelet':
      await machine.stopKubelet()
      return later(forMs, () => machine.start())
    case 'cutMachine':
      machine.cut()
      return later(forMs, () => machine.heal())
    case 'fillDisk':
      machine.fillDisk()
      return later(forMs, () => machine.emptyDisk())
  }
}

async function userDoes(action: UserAction, stage: Stage): Promise<void> {
  const { cluster } = stage
  const reference = `statefulset/${action.set}`
  switch (action.kind) {
    case 'scale':
      return cluster.scale(reference, action.replicas)
    case 'update':
      return setImage(cluster, action.set, action.image)
    case 'setPartition':
      return cluster.patch(reference, {
        spec: { updateStrategy: { rollingUpdate: { partition: action.partition } } },
      })
    case 'setStart':
      return cluster.patch(reference, { spec: { ordinals: { start: action.start } } })
    case 'recreateSet':
      return recreate(action.set, stage)
    default:
      return touchPod(action, stage)
  }
}

export const setImage = (cluster: Cluster, set: string, image: string): Promise<void> =>
  cluster.patch(`statefulset/${set}`, { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } })

async function recreate(name: string, { cluster, plans }: Stage): Promise<void> {
  await cluster.delete(`statefulset/${name}`)
  const plan = plans.find(candidate => candidate.name === name)!
  const isThere = await cluster.client.find(StatefulSet, { namespace: NAMESPACE, name })
  if (!isThere) await cluster.apply(manifestOf(plan))
}

async function touchPod(
  { kind, set, place }: Extract<UserAction, { readonly place: number }>,
  { cluster, user }: Stage,
): Promise<void> {
  const name = `${set}-${place}`
  const pod = await cluster.client.get(Pod, { namespace: NAMESPACE, name })
  if (kind === 'relabelPod') return cluster.patch(`pod/${name}`, { metadata: { labels: { app: 'nobody' } } })
  const isForced = kind === 'forceDeletePod'
  user.deletedPod(pod.metadata.uid, isForced)
  await cluster.delete(`pod/${name}`, isForced ? { gracePeriodSeconds: 0 } : {})
}
