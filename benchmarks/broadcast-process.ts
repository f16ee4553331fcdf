/**
 * The ceiling of `server.ts`: hands on every object that it is sent, as an event, to all who watch, and does nothing else.
 * It writes as seldom as an API server with so many watchers does.
 */
import { writeFileSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { adminKubeconfigText } from '../src/bin/server-side/admin-kubeconfig.ts'
import { systemClock } from '../src/machinery/system-clock.ts'
import { systemRandom } from '../src/machinery/system-random.ts'
import { createAuthority, issueCertificate } from '../src/server/pki/certificate.ts'

const INTERVAL_MS = 50
const folder = process.argv[2]!
const dependencies = { clock: systemClock, random: systemRandom }
const authority = await createAuthority('benchmark', dependencies)
const own = { commonName: 'broadcast', usage: 'server', ipAddresses: ['127.0.0.1'] } as const
const { certificate: cert, key } = await issueCertificate(authority, own, dependencies)
const admin = await issueCertificate(authority, { commonName: 'admin', usage: 'client' }, dependencies)

const watchers: ServerHttp2Stream[] = []
let waiting: Buffer[] = []

function send(): void {
  const frame = Buffer.concat(waiting)
  waiting = []
  for (const stream of watchers) if (!stream.destroyed) stream.write(frame)
}

/** As large as the event would be with what a server adds to the object. */
const ADDED_BYTES = 360

function publish(body: Buffer): void {
  if (waiting.length === 0) setTimeout(send, INTERVAL_MS)
  waiting.push(Buffer.from(`${' '.repeat(ADDED_BYTES)}${body.toString()}\n`))
}

const server = createSecureServer({
  cert,
  key,
  settings: { maxConcurrentStreams: 1000, initialWindowSize: 256 * 1024 },
})
server.on('stream', (stream, headers) => {
  stream.on('error', () => {})
  stream.respond({ ':status': headers[':method'] === 'POST' ? 201 : 200 })
  if (headers[':method'] === 'GET') return void watchers.push(stream)
  const pieces: Buffer[] = []
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('end', () => {
    publish(Buffer.concat(pieces))
    stream.end()
  })
})
server.listen(0, '127.0.0.1', () => {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubeconfig = adminKubeconfigText({ server: url, authority: authority.certificate, admin })
  writeFileSync(join(folder, 'kubeconfig'), kubeconfig)
  process.stdout.write('ceiling ready\n')
})
process.once('SIGTERM', () => process.exit(0))
