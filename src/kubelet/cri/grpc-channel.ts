import { Client, credentials, Metadata, type ServiceDefinition, type ServiceError, status } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { INamespace } from 'protobufjs'
import criProtobuf from '../../../data/cri-protobuf.json' with { type: 'json' }
import { RuntimeError, type RuntimeErrorCode } from '../doors.ts'
import type { CriCalls, CriImageCalls } from './cri-messages.ts'

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
/** Calls that only ask or change something small are answered at once, or the runtime is not there. */
const CALL_TIMEOUT_MS = 120_000

const UP_TIMEOUT_MS = 1000

interface CallOptions {
  readonly request: object
  readonly timeoutMs?: number | undefined
  /** Waits for a connection instead of failing without one. */
  readonly waitsForReady?: boolean
}

const OPTIONS = { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true, objects: true } as const

const definitions = fromJSON(criProtobuf as INamespace, OPTIONS)
const runtimeService = definitions['runtime.v1.RuntimeService'] as ServiceDefinition
const imageService = definitions['runtime.v1.ImageService'] as ServiceDefinition

/** Calls of both services of CRI over one connection. Failures are `RuntimeError`s. */
export class CriChannel implements Disposable {
  readonly #client: Client

  /** `endpoint`: the path of a Unix socket. */
  constructor(endpoint: string) {
    this.#client = new Client(`unix://${endpoint}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    })
  }

  runtime<Name extends keyof CriCalls & string>(
    name: Name,
    request: CriCalls[Name]['request'],
    timeoutMs?: number,
  ): Promise<CriCalls[Name]['response']> {
    return this.#call(runtimeService, name, { request, timeoutMs }) as Promise<CriCalls[Name]['response']>
  }

  images<Name extends keyof CriImageCalls & string>(
    name: Name,
    request: CriImageCalls[Name]['request'],
    timeoutMs?: number,
  ): Promise<CriImageCalls[Name]['response']> {
    return this.#call(imageService, name, { request, timeoutMs }) as Promise<CriImageCalls[Name]['response']>
  }

  /** Resolves when the runtime answers; rejects with the signal's reason. */
  async untilUp(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      try {
        await this.#call(runtimeService, 'Version', {
          request: { version: 'v1' },
          timeoutMs: UP_TIMEOUT_MS,
          waitsForReady: true,
        })
        return
      } catch (error) {
        if (!(error instanceof RuntimeError) || (error.code !== 'timeout' && error.code !== 'unavailable')) throw error
      }
    }
  }

  /** The connection itself, for other services of the same process. */
  get client(): Client {
    return this.#client
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }

  #call(
    service: ServiceDefinition,
    name: string,
    { request, timeoutMs = CALL_TIMEOUT_MS, waitsForReady = false }: CallOptions,
  ): Promise<unknown> {
    const method = service[name]
    if (!method) throw new RuntimeError('invalid', `the runtime's interface has no call ${name}`)
    const deadline = Number.isFinite(timeoutMs)
      ? { deadline: new Date(performance.timeOrigin + performance.now() + timeoutMs) }
      : {}
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata({ waitForReady: waitsForReady }),
        deadline,
        (error, response) => (error ? reject(runtimeErrorFrom(error)) : resolve(response)),
      )
    })
  }
}

/** The one place where a failure of gRPC becomes one of the runtime. */
function runtimeErrorFrom(error: ServiceError): RuntimeError {
  const message = error.details.replace(/^rpc error: code = \w+ desc = /, '')
  return new RuntimeError(codeOf(error.code), message, { cause: error })
}

function codeOf(code: number): RuntimeErrorCode {
  switch (code) {
    case status.NOT_FOUND:
      return 'notFound'
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return 'unavailable'
    case status.DEADLINE_EXCEEDED:
      return 'timeout'
    case status.INVALID_ARGUMENT:
      return 'invalid'
    default:
      return 'failed'
  }
}
