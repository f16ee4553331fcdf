import { Node, Pod, type PodStatus } from '../api/core-v1/types.ts'
import type { Client } from '../client/client.ts'
import { type ControllerDefinition, controllerFor, type Dependencies } from '../client/controller.ts'
import { isPodReady } from '../machinery/pod-state.ts'
import { isStatusError } from '../machinery/status.ts'
import { timeText } from '../machinery/time.ts'

/** Registers a machine that is Ready and stays so; with zone and region when given. */
export async function registerInstantNode(
  client: Client,
  name: string,
  { labels = {}, now }: { labels?: Readonly<Record<string, string>>; now: Date },
): Promise<void> {
  const capacity = { cpu: '32', memory: '256Gi', pods: '500', 'ephemeral-storage': '1Ti' }
  await client.create(Node, {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } },
    spec: {},
  })
  const at = timeText(now)
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'kubelet is posting ready status',
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  }
  // A patch, since controllers write new Nodes at the same time.
  const body = { status: { capacity, allocatable: capacity, conditions: [ready] } }
  await client.patch(Node, { name }, { type: 'merge', body, subresource: 'status' })
}

/**
 * All machines at once, without containers: a bound Pod runs and is ready in the same moment, a deleted one is gone.
 * For tests and benchmarks of what happens above the kubelet; simulated machines run the real one.
 */
export const instantKubelet: ControllerDefinition = controllerFor(Pod, {
  name: 'instant-kubelet',
  component: 'kubelet',
}).reconciledBy(({ client, informers, clock }: Dependencies) => {
  const pods = informers.informer(Pod)
  let addresses = 0
  return async key => {
    const pod = pods.get(key)
    if (!pod?.spec.nodeName) return {}
    try {
      if (pod.metadata.deletionTimestamp) {
        await client.delete(Pod, key, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } })
      } else if (!isPodReady(pod)) {
        addresses++
        const podIP = `10.244.${(addresses >> 8) & 0xff}.${addresses & 0xff}`
        await client.updateStatus(Pod, { ...pod, status: runningStatus(pod, podIP, timeText(clock.now())) })
      }
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
    }
    return {}
  }
})

function runningStatus({ spec, status }: Pod, podIP: string, at: string): PodStatus {
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: at })
  const others = status.conditions?.filter(({ type }) => type === 'PodScheduled') ?? []
  return {
    ...status,
    phase: 'Running',
    hostIP: '192.0.2.1',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: at,
    conditions: [...others, ...['Initialized', 'ContainersReady', 'Ready'].map(condition)],
    containerStatuses: spec.containers.map(({ name, image = '' }) => ({
      name,
      image,
      imageID: `sha256:${image}`,
      containerID: `instant://${name}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: at } },
    })),
  }
}
