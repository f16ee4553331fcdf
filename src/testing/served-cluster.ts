import { stringify } from 'yaml'
import type { VirtualClock } from '../fakes/virtual-clock.ts'
import { systemClock } from '../machinery/system-clock.ts'
import { systemRandom } from '../machinery/system-random.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../server/pki/certificate.ts'
import type { ControlPlane } from './control-plane.ts'
import type { MachineEndpoints } from './machine-endpoints.ts'

/** How often virtual time catches up with the watch on the wall. */
const TICK_MS = 10
const DAY_MS = 86_400_000

export interface ServeOptions {
  /** Default: any free port of the loopback. */
  readonly port?: number
  /** Virtual seconds that pass in a real one. Default 1; 0 leaves time to `advance`. */
  readonly speed?: number
}

/** A cluster that programs outside this process can use, until it is disposed of. */
export interface ServedCluster extends AsyncDisposable {
  readonly url: string
  /** A kubeconfig, as text, by which its holder may do everything. */
  readonly kubeconfig: string
}

interface ServedParts {
  readonly plane: ControlPlane
  readonly endpoints: MachineEndpoints
  readonly clock: VirtualClock
}

/** Serves the API over HTTPS on the loopback, and lets virtual time pass as real time does. Certificates are of today. */
export async function serveCluster(
  { plane, endpoints, clock }: ServedParts,
  { port = 0, speed = 1 }: ServeOptions = {},
): Promise<ServedCluster> {
  const dependencies = { clock: systemClock, random: systemRandom }
  const authority = await createAuthority('holdfast-testing', dependencies)
  const [serving, admin, client] = await Promise.all([
    // Of the server and of the machines: all are on the loopback.
    issueCertificate(
      authority,
      {
        commonName: 'kube-apiserver',
        usage: 'server',
        dnsNames: ['localhost'],
        ipAddresses: ['127.0.0.1'],
        validForMs: DAY_MS,
      },
      dependencies,
    ),
    issueCertificate(
      authority,
      { commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client', validForMs: DAY_MS },
      dependencies,
    ),
    issueCertificate(
      authority,
      { commonName: 'kube-apiserver', organizations: ['system:masters'], usage: 'client', validForMs: DAY_MS },
      dependencies,
    ),
  ])
  const { address } = await plane.server.listen({
    host: '127.0.0.1',
    port,
    certificate: { ...serving, clientAuthorities: authority.certificate },
  })
  const machines = endpoints.open({ authority: authority.certificate, serving, client })
  const url = `https://127.0.0.1:${address.port}`
  const pump = speed > 0 ? passTime(clock, speed) : undefined
  return {
    url,
    kubeconfig: kubeconfigText({ url, authority, admin }),
    async [Symbol.asyncDispose]() {
      machines[Symbol.dispose]()
      pump?.[Symbol.dispose]()
    },
  }
}

/** Virtual time follows the real one. */
function passTime(clock: VirtualClock, speed: number): Disposable {
  let seenMs = systemClock.monotonicMs()
  let isOver = false
  const tick = async (): Promise<void> => {
    if (isOver) return
    const nowMs = systemClock.monotonicMs()
    await clock.advance((nowMs - seenMs) * speed)
    seenMs = nowMs
    systemClock.schedule(TICK_MS, () => void tick())
  }
  void tick()
  return {
    [Symbol.dispose]() {
      isOver = true
    },
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const kubeconfigText = ({ url, authority, admin }: { url: string; authority: KeyPair; admin: KeyPair }): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'holdfast-testing',
        cluster: { server: url, 'certificate-authority-data': base64(authority.certificate) },
      },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) },
      },
    ],
    contexts: [{ name: 'holdfast-testing', context: { cluster: 'holdfast-testing', user: 'admin' } }],
    'current-context': 'holdfast-testing',
  })
