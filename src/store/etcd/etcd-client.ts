import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { isServiceError, isTokenRefused, isUnreachable } from './etcd-error.ts'
import type { WatchRequest, WatchResponse } from './etcd-messages.ts'
import { authenticate, type EtcdMethod, watch } from './etcd-methods.ts'

/** A call that takes longer has failed; whether it was carried out is unknown. */
const CALL_MS_MAX = 10_000
/** A connection that does not come about in this time is tried with the next endpoint. */
const CONNECT_MS_MAX = 2_000

const CHANNEL_OPTIONS = {
  // A page of large objects outgrows the default of 4 MiB.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // Notices within seconds when the other side is gone without a word.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
}

export interface EtcdTls {
  /** PEM. Without it the system's authorities count. */
  readonly ca?: Buffer
  readonly key?: Buffer
  readonly cert?: Buffer
}

export interface EtcdClientOptions {
  /** `host:port`, at least one. */
  readonly endpoints: readonly string[]
  readonly tls?: EtcdTls
  readonly login?: { readonly name: string; readonly password: string }
}

/** Calls etcd, at whichever endpoint answers. */
export class EtcdClient {
  readonly #clients: readonly Client[]
  readonly #login: EtcdClientOptions['login']
  #current = 0
  #metadata: Promise<Metadata> | undefined

  constructor({ endpoints, tls, login }: EtcdClientOptions) {
    const security = tls ? credentials.createSsl(tls.ca, tls.key, tls.cert) : credentials.createInsecure()
    this.#clients = endpoints.map(endpoint => clientFor(endpoint, security))
    this.#login = login
  }

  /**
   * Tries one endpoint after the other while none can be reached. A call that is not a read is not repeated once it
   * may have been sent. Rejects with a `ServiceError`.
   */
  async call<Request, Response>(method: EtcdMethod<Request, Response>, request: Request): Promise<Response> {
    let refused = false
    for (let attempt = 1; ; attempt++) {
      const endpoint = this.#current
      let isSent = false
      try {
        const client = await this.#connected(endpoint)
        const metadata = await this.#authenticated()
        isSent = true
        return await unary(client, { method, request, metadata })
      } catch (error) {
        if (!isServiceError(error)) throw error
        if (this.#login && !refused && isTokenRefused(error)) {
          refused = true
          this.#metadata = undefined
          continue
        }
        if (!isUnreachable(error)) throw error
        this.#leave(endpoint)
        if (attempt > this.#clients.length || (isSent && !method.isRead)) throw error
      }
    }
  }

  /** A stream of watches at an endpoint that can be reached. */
  async watch(): Promise<ClientDuplexStream<WatchRequest, WatchResponse>> {
    const endpoint = this.#current
    try {
      const client = await this.#connected(endpoint)
      const metadata = (await this.#authenticated()).clone()
      metadata.set('hasleader', 'true') // A member that was cut off from the others ends the stream.
      return client.makeBidiStreamRequest(watch.path, watch.serialize, watch.deserialize, metadata)
    } catch (error) {
      this.#leave(endpoint)
      throw error
    }
  }

  /** The next call logs in again: the token of this one was refused. */
  forgetToken(): void {
    this.#metadata = undefined
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  async #connected(endpoint: number): Promise<Client> {
    const client = this.#clients[endpoint]!
    if (client.getChannel().getConnectivityState(true) === connectivityState.READY) return client
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + CONNECT_MS_MAX, error => (error ? reject(notConnected(error)) : resolve()))
    })
    return client
  }

  #leave(endpoint: number): void {
    if (this.#current === endpoint) this.#current = (endpoint + 1) % this.#clients.length
  }

  #authenticated(): Promise<Metadata> {
    this.#metadata ??= this.#logIn().catch(error => {
      this.#metadata = undefined
      throw error
    })
    return this.#metadata
  }

  async #logIn(): Promise<Metadata> {
    const metadata = new Metadata()
    if (!this.#login) return metadata
    const client = this.#clients[this.#current]!
    const { token } = await unary(client, { method: authenticate, request: this.#login, metadata: new Metadata() })
    metadata.set('token', token)
    return metadata
  }
}

const clientFor = (endpoint: string, security: ChannelCredentials): Client =>
  new Client(endpoint, security, CHANNEL_OPTIONS)

interface UnaryCall<Request, Response> {
  readonly method: EtcdMethod<Request, Response>
  readonly request: Request
  readonly metadata: Metadata
}

function unary<Request, Response>(
  client: Client,
  { method, request, metadata }: UnaryCall<Request, Response>,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { path, serialize, deserialize } = method
    const options = { deadline: Date.now() + CALL_MS_MAX }
    client.makeUnaryRequest<Request, Response>(
      path,
      serialize,
      deserialize,
      request,
      metadata,
      options,
      (error, response) => (error ? reject(error) : resolve(response!)),
    )
  })
}

/** As a call would say it. */
const notConnected = ({ message }: Error): ServiceError =>
  Object.assign(new Error(message), { code: status.UNAVAILABLE, details: message, metadata: new Metadata() })
