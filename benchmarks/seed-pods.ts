/** Fills a store with Pods of 2 KiB as a server would have stored them: `node benchmarks/seed-pods.ts FOLDER COUNT`. */

import { uuidFrom } from '../src/machinery/random.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { systemRandom } from '../src/machinery/system-random.ts'
import { timeText } from '../src/machinery/time.ts'
import { openStore } from '../src/store/open-store.ts'

const NAMESPACE = 'benchmark-pods'
const POD_BYTES = 2048
const WRITERS = 512

const [folder, count] = process.argv.slice(2)
const store = await openStore(`lmdb://${folder}/store`, { clock: systemClock })
const creationTimestamp = timeText(systemClock.now())

function podText(index: number): string {
  const name = `pod-${index}`
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: uuidFrom(systemRandom),
      creationTimestamp,
      labels: { app: `app-${index % 1000}`, 'statefulset.kubernetes.io/pod-name': name },
      annotations: { note: '' },
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.example/app:1',
          env: [{ name: 'INDEX', value: String(index) }],
          resources: { requests: { cpu: '100m', memory: '64Mi' } },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      securityContext: {},
      schedulerName: 'default-scheduler',
      nodeName: `machine-${index % 1000}`,
    },
    status: { phase: 'Running', podIP: `10.244.${(index >> 8) & 255}.${index & 255}`, qosClass: 'Burstable' },
  }
  pod.metadata.annotations.note = 'x'.repeat(Math.max(0, POD_BYTES - JSON.stringify(pod).length))
  return JSON.stringify(pod)
}

let next = 0
async function write(): Promise<void> {
  while (next < Number(count)) {
    const index = next++
    const key = `/core/pods/${NAMESPACE}/pod-${index}`
    await store.commit({ type: 'create', key, value: Buffer.from(podText(index)) })
  }
}
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, uid: uuidFrom(systemRandom) } }
const spec = { finalizers: ['kubernetes'] }
const value = Buffer.from(JSON.stringify({ ...namespace, spec, status: { phase: 'Active' } }))
await store.commit({ type: 'create', key: `/core/namespaces/${NAMESPACE}`, value })
await Promise.all(Array.from({ length: WRITERS }, write))
await store.close()
