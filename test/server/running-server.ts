import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry as MetricsRegistry } from 'prom-client'
import { type Logger, silentLogger } from '../../src/machinery/logger.ts'
import { systemClock } from '../../src/machinery/system-clock.ts'
import { systemRandom } from '../../src/machinery/system-random.ts'
import { createRegistry } from '../../src/registry/create-registry.ts'
import type { ConnectionPatience } from '../../src/server/http/listener.ts'
import { type OpenApiServer, openApiServer } from '../../src/server/open-api-server.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/server/pki/certificate.ts'
import type { NodeConnection } from '../../src/server/streams/node-connection.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'

const dependencies = { clock: systemClock, random: systemRandom }

export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A whole API server on a port of its own, over a store in memory, with a kubeconfig for whoever is asked for. */
export interface RunningServer extends AsyncDisposable {
  readonly server: OpenApiServer
  readonly url: string
  readonly authority: KeyPair
  readonly folder: string
  certificateFor(commonName: string, organizations?: readonly string[]): Promise<KeyPair>
  /** Path of a kubeconfig. */
  kubeconfigFor(commonName: string, organizations?: readonly string[]): Promise<string>
  /** Unexpected failures that the server has logged. */
  readonly errors: object[]
}

export async function startServer({
  nodes,
  patience,
}: {
  nodes?: NodeConnection
  patience?: Partial<ConnectionPatience>
} = {}): Promise<RunningServer> {
  const authority = await createAuthority('kubernetes', dependencies)
  const errors: object[] = []
  const logger: Logger = { ...silentLogger, error: fields => void errors.push(fields), child: () => logger }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = await openApiServer({
    createRegistry: admission =>
      createRegistry({ store: memoryStore(dependencies), ...dependencies, logger, admission }),
    ...dependencies,
    logger,
    metrics: new MetricsRegistry(),
    tokenKeys: { signing: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string },
    bootstrap: {
      authority: authority.certificate,
      url: 'https://127.0.0.1:6443',
      addresses: ['192.0.2.1'],
      port: 6443,
    },
    ...(nodes && { nodes }),
  })
  const own = await issueCertificate(
    authority,
    { commonName: 'kube-apiserver', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    dependencies,
  )
  const certificate = { ...own, clientAuthorities: authority.certificate }
  const { address } = await server.listen({
    host: '127.0.0.1',
    port: 0,
    certificate,
    ...(patience && { patience }),
  })
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-server-'))
  const url = `https://127.0.0.1:${address.port}`
  const certificateFor = (commonName: string, organizations: readonly string[] = []): Promise<KeyPair> =>
    issueCertificate(authority, { commonName, organizations, usage: 'client' }, dependencies)
  return {
    server,
    url,
    authority,
    folder,
    errors,
    certificateFor,
    async kubeconfigFor(commonName, organizations = []) {
      const path = join(folder, `${commonName}.kubeconfig`)
      if (!existsSync(path))
        writeFileSync(path, kubeconfig(url, authority, await certificateFor(commonName, organizations)))
      return path
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const kubeconfig = (url: string, authority: KeyPair, user: KeyPair): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(authority.certificate) } }],
    users: [
      {
        name: 'test',
        user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })

const COMMAND_MS_MAX = 20_000

/** Runs kubectl as a user would. `input` becomes its standard input. */
export function kubectl(
  binary: string,
  words: readonly string[],
  { kubeconfig: path, home, input, env }: { kubeconfig: string; home: string; input?: string; env?: object },
): Promise<Answer> {
  return new Promise(resolve => {
    const options = { timeout: COMMAND_MS_MAX, env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: path, ...env } }
    const child = execFile(binary, words, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
    })
    child.stdin!.end(input ?? '')
  })
}
