import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createConnection } from 'node:net'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import type { HttpProbe, ProbeDoor } from '../doors.ts'

const BODY_BYTES_MAX = 10 * 1024
const REDIRECTS_MAX = 10
const USER_AGENT = 'kube-probe/1.36'

/** Probes over the machine's own network. */
export const networkProbes: ProbeDoor = {
  http: (request, timeoutMs) => askHttp(request, timeoutMs, REDIRECTS_MAX),
  tcp: connectTcp,
  grpc: askGrpc,
}

interface HttpAnswer {
  readonly status: number
  readonly body: string
}

async function askHttp(probe: HttpProbe, timeoutMs: number, redirectsLeft: number): Promise<HttpAnswer> {
  const { status, body, location } = await sendHttp(probe, timeoutMs)
  const target = location && status >= 300 && status < 400 ? redirectOf(probe, location) : undefined
  if (!target) return { status, body }
  if (redirectsLeft === 0) throw new Error('stopped after 10 redirects')
  return askHttp(target, timeoutMs, redirectsLeft - 1)
}

/** A redirect to the same host is followed; one to another counts as an answer. */
function redirectOf(probe: HttpProbe, location: string): HttpProbe | undefined {
  const url = new URL(location, `${probe.scheme}://${hostText(probe.host)}:${probe.port}${probe.path}`)
  if (url.hostname !== hostText(probe.host)) return undefined
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = Number(url.port || (scheme === 'https' ? 443 : 80))
  return { ...probe, scheme, port, path: `${url.pathname}${url.search}` }
}

const hostText = (host: string): string => (host.includes(':') ? `[${host}]` : host)

function sendHttp(
  { scheme, host, port, path, headers }: HttpProbe,
  timeoutMs: number,
): Promise<HttpAnswer & { location?: string }> {
  const given = Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value]))
  return new Promise((resolve, reject) => {
    const send = scheme === 'https' ? httpsRequest : httpRequest
    const request = send({
      host,
      port,
      path: path.startsWith('/') ? path : `/${path}`,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { 'user-agent': USER_AGENT, accept: '*/*', connection: 'close', ...given },
      ...(scheme === 'https' && { rejectUnauthorized: false }), // Probes ask whether it answers, not who it is.
    })
    request.once('error', error => reject(readable(error, { host, port })))
    request.once('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        if (bytes < BODY_BYTES_MAX) chunks.push(chunk)
        bytes += chunk.length
      })
      response.once('error', error => reject(readable(error, { host, port })))
      response.once('end', () => {
        const body = Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8')
        const { location } = response.headers
        resolve({ status: response.statusCode ?? 0, body, ...(location && { location }) })
      })
    })
    request.end()
  })
}

function connectTcp(
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: timeoutMs })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => {
      socket.destroy()
      reject(new Error(`dial tcp ${hostText(host)}:${port}: i/o timeout`))
    })
    socket.once('error', error => reject(readable(error, { host, port })))
  })
}

/** In the words of Go's network library, which people search for. */
function readable(error: Error & { code?: string }, { host, port }: { host: string; port: number }): Error {
  const dial = `dial tcp ${hostText(host)}:${port}`
  switch (error.code) {
    case 'ECONNREFUSED':
      return new Error(`${dial}: connect: connection refused`, { cause: error })
    case 'EHOSTUNREACH':
      return new Error(`${dial}: connect: no route to host`, { cause: error })
    case 'ENETUNREACH':
      return new Error(`${dial}: connect: network is unreachable`, { cause: error })
    case 'ECONNRESET':
      return new Error('read: connection reset by peer', { cause: error })
    case 'ABORT_ERR':
      return new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)', { cause: error })
    default:
      return error
  }
}

const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
const STRING_FIELD_1 = 10

/** `grpc.health.v1.Health/Check`: a request with one string, an answer with one number. */
async function askGrpc(
  { host, port, service }: { readonly host: string; readonly port: number; readonly service: string },
  timeoutMs: number,
): Promise<string> {
  const client = new Client(`${hostText(host)}:${port}`, credentials.createInsecure())
  const deadline = new Date(performance.timeOrigin + performance.now() + timeoutMs)
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        (name: string) => Buffer.from(protobuf.Writer.create().uint32(STRING_FIELD_1).string(name).finish()),
        statusFrom,
        service,
        new Metadata(),
        { deadline },
        (error, answer) => {
          if (error) reject(new Error(grpcProblem(error, { host, port, timeoutMs }), { cause: error }))
          else resolve(answer ?? 'UNKNOWN')
        },
      )
    })
  } finally {
    client.close()
  }
}

/** In the words of upstream's probe. */
function grpcProblem(
  { code, details }: ServiceError,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): string {
  const seconds = `${timeoutMs / 1000}s`
  switch (code) {
    case status.UNAVAILABLE:
      return `timeout: failed to connect service "${hostText(host)}:${port}" within ${seconds}: context deadline exceeded`
    case status.DEADLINE_EXCEEDED:
      return `timeout: health rpc did not complete within ${seconds}`
    case status.UNIMPLEMENTED:
      return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`
    default:
      return `error: health rpc probe failed: rpc error: code = ${codeNameOf(code)} desc = ${details}`
  }
}

/** `NotFound` for `NOT_FOUND`, as Go writes it. */
const codeNameOf = (code: status): string =>
  status[code].toLowerCase().replace(/(^|_)([a-z])/g, (_, _gap: string, letter: string) => letter.toUpperCase())

function statusFrom(bytes: Buffer): string {
  const reader = protobuf.Reader.create(bytes)
  if (reader.len === 0) return 'UNKNOWN'
  reader.uint32()
  return SERVING_STATUS[reader.int32()] ?? 'UNKNOWN'
}
