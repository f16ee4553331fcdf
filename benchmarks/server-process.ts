/** An API server on a new LMDB store in the folder given, for `server.ts`: prints one line when it is ready. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry as MetricsRegistry } from 'prom-client'
import { adminKubeconfigText } from '../src/bin/server-side/admin-kubeconfig.ts'
import { silentLogger } from '../src/machinery/logger.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { systemRandom } from '../src/machinery/system-random.ts'
import { createRegistry } from '../src/registry/create-registry.ts'
import { openApiServer } from '../src/server/open-api-server.ts'
import { createAuthority, issueCertificate } from '../src/server/pki/certificate.ts'
import { openStore } from '../src/store/open-store.ts'

const folder = process.argv[2]!
const dependencies = { clock: systemClock, random: systemRandom, logger: silentLogger }
const store = await openStore(`lmdb://${folder}/store`, dependencies)
const authority = await createAuthority('benchmark', dependencies)
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const server = await openApiServer({
  createRegistry: admission => createRegistry({ store, ...dependencies, admission }),
  ...dependencies,
  metrics: new MetricsRegistry(),
  tokenKeys: { signing: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string },
  bootstrap: { authority: authority.certificate, url: 'https://127.0.0.1', addresses: ['127.0.0.1'], port: 6443 },
})
const own = { commonName: 'kube-apiserver', usage: 'server', ipAddresses: ['127.0.0.1'] } as const
const certificate = {
  ...(await issueCertificate(authority, own, dependencies)),
  clientAuthorities: authority.certificate,
}
const { address } = await server.listen({ host: '127.0.0.1', port: 0, certificate })
const admin = await issueCertificate(
  authority,
  { commonName: 'admin', organizations: ['system:masters'], usage: 'client' },
  dependencies,
)
const url = `https://127.0.0.1:${address.port}`
writeFileSync(join(folder, 'kubeconfig'), adminKubeconfigText({ server: url, authority: authority.certificate, admin }))
const memory = Math.round(process.memoryUsage().rss / 2 ** 20)
process.stdout.write(`ready after ${Math.round(performance.now())} ms, ${memory} MiB resident\n`)
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
