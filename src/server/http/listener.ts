import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { Exchange, Peer } from './exchange.ts'
import { Http1Exchange, Http2Exchange, type Patience, UpgradeExchange } from './http-exchange.ts'

/** What a server shows, and whose clients it believes. All PEM. */
export interface ServerCertificate {
  readonly certificate: string
  readonly key: string
  /** CAs whose client certificates name users. */
  readonly clientAuthorities: string
}

export interface ListenOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly certificate: ServerCertificate
  readonly patience?: Partial<ConnectionPatience>
}

/** How long a client may take, in milliseconds. */
export interface ConnectionPatience {
  readonly handshakeMsMax: number
  /** For the head of a request. HTTP/2 has no such moment: its heads come in frames, among those of other requests. */
  readonly headMsMax: number
  readonly requestMsMax: number
  readonly silentMsMax: number
}

export interface Listener {
  readonly address: { readonly host: string; readonly port: number }
  /** Shows another certificate from now on, to new connections. */
  replaceCertificate(certificate: ServerCertificate): void
  /** Takes no more connections, lets requests end for a moment, then cuts the rest off. */
  close(): Promise<void>
}

/** Connections at once: each costs memory before anybody is known to be behind it. */
const CONNECTIONS_MAX = 10_000
const STREAMS_PER_CONNECTION_MAX = 1000
const SESSION_MIB_MAX = 64
const PATIENCE: ConnectionPatience = {
  handshakeMsMax: 10_000,
  headMsMax: 15_000,
  requestMsMax: 60_000,
  silentMsMax: 60_000,
}
/** Connections of HTTP/1.1 are looked at so many times in the time that a head may take. */
const CHECKS_PER_HEAD = 5
/** How soon a connection whose other end has vanished is noticed; how long one without requests is kept. */
const KEEP_ALIVE_MS = 30_000
const IDLE_MS_MAX = 300_000
const HTTP1_OPTIONS = { maxHeaderSize: 32 * 1024 }

type Accept = (exchange: Exchange) => void

interface ListenDependencies {
  readonly accept: Accept
  readonly logger: Logger
  readonly clock: Clock
}

/** How long requests may take to end once the listener closes. */
const CLOSING_MS_MAX = 2000

/** Serves HTTP/2 and HTTP/1.1 over TLS on one port, and turns both into exchanges. */
export function listen(options: ListenOptions, { accept, logger, clock }: ListenDependencies): Promise<Listener> {
  const patience = { ...PATIENCE, ...options.patience, clock }
  const server = createSecureServer({
    ...tlsOptions(options.certificate),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false, // Clients without a certificate may have a token; a bad certificate is answered with 401.
    minVersion: 'TLSv1.2',
    handshakeTimeout: patience.handshakeMsMax,
    settings: { maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX, initialWindowSize: 256 * 1024 },
    maxSessionMemory: SESSION_MIB_MAX,
    peerMaxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
    ...HTTP1_OPTIONS,
    connectionsCheckingInterval: patience.headMsMax / CHECKS_PER_HEAD,
  } as SecureServerOptions)
  // HTTP/1.1 only; the constructor overwrites what its options say of these.
  Object.assign(server, { headersTimeout: patience.headMsMax, requestTimeout: patience.requestMsMax })
  const sockets = new Set<Socket>()
  server.maxConnections = CONNECTIONS_MAX
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  serveHttp1(server, accept, patience)
  // Listening for 'request' also subscribed node's compatibility layer to every HTTP/2 stream; we take streams as they are.
  server.removeAllListeners('stream')
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {}) // A client that resets its stream is no failure of ours; `close` follows.
    accept(
      new Http2Exchange(stream, headers, { peer: peerOf(stream.session?.socket as TLSSocket | undefined), patience }),
    )
  })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', session => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.setTimeout(IDLE_MS_MAX, () => session.close()) // Open streams end first.
  })
  server.on('sessionError', err => logger.debug({ err }, 'connection failed'))
  server.on('tlsClientError', err => logger.debug({ err }, 'handshake failed'))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 1024 }, () => {
      server.off('error', reject)
      server.on('error', err => logger.error({ err }, 'listener failed'))
      resolve(listenerOf(server, { sockets, sessions, clock }))
    })
  })
}

const tlsOptions = ({ certificate, key, clientAuthorities }: ServerCertificate) => ({
  cert: certificate,
  key,
  ca: clientAuthorities,
})

function serveHttp1(server: Http2SecureServer, accept: Accept, patience: Patience): void {
  server.on('request', (request, response) => {
    const message = request as unknown as ConstructorParameters<typeof Http1Exchange>[0] // HTTP/1.1: see above.
    const reply = response as unknown as ConstructorParameters<typeof Http1Exchange>[1]
    message.on('error', () => {})
    reply.on('error', () => {})
    accept(new Http1Exchange(message, reply, { peer: peerOf(message.socket as TLSSocket), patience }))
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    accept(new UpgradeExchange(request, { socket, head }, { peer: peerOf(socket as TLSSocket), patience }))
  })
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
}

interface Connections {
  readonly sockets: ReadonlySet<Socket>
  readonly sessions: ReadonlySet<ServerHttp2Session>
  readonly clock: Clock
}

function listenerOf(server: Http2SecureServer, connections: Connections): Listener {
  const { address, port } = server.address() as AddressInfo
  return {
    address: { host: address, port },
    replaceCertificate: certificate => server.setSecureContext(tlsOptions(certificate)),
    close: () => closed(server, connections),
  }
}

async function closed(server: Http2SecureServer, { sockets, sessions, clock }: Connections): Promise<void> {
  const done = new Promise(resolve => server.close(resolve))
  const http2 = new Set(Array.from(sessions, session => session.socket?.remotePort))
  for (const session of sessions) session.close()
  for (const socket of sockets) if (!http2.has(socket.remotePort)) socket.destroySoon()
  using _late = clock.schedule(CLOSING_MS_MAX, () => {
    for (const socket of sockets) socket.destroy()
  })
  await done
}

/** The handshake is the same for every request of a connection. */
const peers = new WeakMap<TLSSocket, Peer>()

function peerOf(socket: TLSSocket | undefined): Peer {
  if (!socket) return { address: '' }
  const known = peers.get(socket)
  if (known) return known
  const peer = { address: socket.remoteAddress ?? '', ...certificateOf(socket) }
  peers.set(socket, peer)
  return peer
}

function certificateOf(socket: TLSSocket): Omit<Peer, 'address'> {
  const certificate = socket.getPeerX509Certificate?.()
  if (!certificate) return {}
  if (!socket.authorized) return { certificateProblem: String(socket.authorizationError ?? 'not trusted') }
  const certificateUser = userOfSubject(certificate.subject)
  const certificateEndMs = Date.parse(certificate.validTo)
  return certificateUser
    ? { certificateUser, certificateEndMs }
    : { certificateProblem: 'the certificate names no user' }
}

/** The common name is the user, each organization a group. Node writes one attribute on each line. */
export function userOfSubject(subject: string): UserInfo | undefined {
  const attributes = subject.split('\n').map(line => {
    const equals = line.indexOf('=')
    return { key: line.slice(0, equals), value: line.slice(equals + 1) }
  })
  const name = attributes.find(({ key }) => key === 'CN')?.value
  if (!name) return undefined
  return { name, groups: attributes.filter(({ key }) => key === 'O').map(({ value }) => value) }
}
