import { StatefulSet } from '../../api/apps-v1/types.ts'
import { Pod, ResourceQuota } from '../../api/core-v1/types.ts'
import { controllerOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Cluster } from '../cluster.ts'
import type { Stage } from './perform.ts'
import type { WildDeed } from './scenario.ts'
import type { Strikes } from './strikes.ts'

const NAMESPACE = 'default'
const QUOTA = 'pods'
const HOLD = 'example.com/hold'
/** Until the end of the faults, if it does not come to strike before. */
const ARMED_MS = 180_000

/** Does what only wild scenarios have. */
export function performWild(deed: WildDeed, stage: Stage): Promise<void> | void {
  const { cluster, faults, later } = stage
  const strikes = faults.strikes!
  switch (deed.kind) {
    case 'killLeader':
    case 'killServer':
      strikes.arm({
        calls: deed.calls,
        turns: deed.turns,
        run: deed.kind === 'killLeader' ? killLeader(stage) : killServer(stage),
      })
      return later(ARMED_MS, () => strikes.disarm())
    case 'lateReplies':
      return lasting('isLate', deed.forMs, stage)
    case 'staleCaches':
      return lasting('isStale', deed.forMs, stage)
    case 'slowMachine':
      strikes.slowed.add(deed.node)
      return later(deed.forMs, () => void strikes.slowed.delete(deed.node))
    case 'shiftClock':
      return cluster.node(deed.node).shiftClock(deed.byMs)
    case 'stageRollout':
      return stageRollout(deed, cluster)
    case 'limitPods':
      return limitAndShift(deed, cluster)
    case 'holdPod':
      return holdPod(deed, stage)
  }
}

const killLeader =
  ({ cluster, faults }: Stage) =>
  (): void => {
    faults.strikes!.endLeader()
    cluster.restartControllers()
  }

const killServer =
  ({ cluster }: Stage) =>
  (): void =>
    void cluster.killServer()

function lasting(fault: 'isLate' | 'isStale', forMs: number, { faults, later }: Stage): void {
  const strikes: Strikes = faults.strikes!
  strikes[fault] = true
  later(forMs, () => {
    strikes[fault] = false
  })
}

function stageRollout(
  { set, partition, image }: Extract<WildDeed, { readonly kind: 'stageRollout' }>,
  cluster: Cluster,
): Promise<void> {
  const template = { spec: { containers: [{ name: 'main', image }] } }
  return cluster.patch(`statefulset/${set}`, { spec: { template, updateStrategy: { rollingUpdate: { partition } } } })
}

async function limitAndShift(
  { set, start }: Extract<WildDeed, { readonly kind: 'limitPods' }>,
  cluster: Cluster,
): Promise<void> {
  await limitPods(cluster)
  await cluster.patch(`statefulset/${set}`, { spec: { ordinals: { start } } })
}

/**
 * As many Pods as the sets ask for, and not one more. An ordered set makes all new Pods before it lets go of those that
 * are out of range, so as many more as it has now it may have.
 */
async function limitPods(cluster: Cluster): Promise<void> {
  const { items: sets } = await cluster.client.list(StatefulSet, { namespace: NAMESPACE })
  const there = await cluster.pods()
  const needed = sets.map(({ metadata: { uid }, spec: { replicas = 1, podManagementPolicy } }) => {
    const own = there.filter(pod => controllerOf(pod)?.uid === uid).length
    return podManagementPolicy === 'Parallel' ? replicas : own + replicas
  })
  const pods = needed.reduce((sum, count) => sum + count, 0)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: QUOTA },
    spec: { hard: { pods: String(pods) } },
  })
}

/** When the user has asked for more Pods since, the quota is raised to what they need. */
export async function fitLimit(cluster: Cluster): Promise<void> {
  if (await cluster.client.find(ResourceQuota, { namespace: NAMESPACE, name: QUOTA })) await limitPods(cluster)
}

async function holdPod(
  { set, place, forMs }: Extract<WildDeed, { readonly kind: 'holdPod' }>,
  { cluster, user, later }: Stage,
): Promise<void> {
  const name = `${set}-${place}`
  const pod = await cluster.client.get(Pod, { namespace: NAMESPACE, name })
  const { uid } = pod.metadata
  later(forMs, () => letGo(name, uid)) // Planned first: the answer to what follows may be lost.
  await cluster.patch(`pod/${name}`, { metadata: { finalizers: [HOLD] } })
  user.heldPod(uid, true)
  user.deletedPod(uid, false)
  await cluster.delete(`pod/${name}`)

  /** Tried until it is done: whoever holds a Pod has not forgotten it. */
  async function letGo(podName: string, podUid: string): Promise<void> {
    user.heldPod(podUid, false)
    for (;;) {
      try {
        const held = await cluster.client.find(Pod, { namespace: NAMESPACE, name: podName })
        if (held?.metadata.uid !== podUid) return
        const body = { metadata: { uid: podUid, finalizers: null } }
        await cluster.client.patch(Pod, { namespace: NAMESPACE, name: podName }, { type: 'merge', body })
        return
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return
        await cluster.clock.sleep(1000)
      }
    }
  }
}
