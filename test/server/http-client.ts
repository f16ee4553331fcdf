import { type ClientHttp2Session, connect } from 'node:http2'
import type { KeyPair } from '../../src/server/pki/certificate.ts'
import type { RunningServer } from './running-server.ts'

export interface HttpAnswer {
  readonly code: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly json: any
}

export interface HttpRequest {
  readonly method?: string
  readonly body?: string | Buffer
  readonly headers?: { readonly [name: string]: string }
}

/** A plain HTTP/2 client, so that tests send exactly what they mean. */
export class HttpClient implements Disposable {
  readonly session: ClientHttp2Session

  constructor({ url, authority }: RunningServer, certificate?: KeyPair) {
    this.session = connect(url, {
      ca: authority.certificate,
      ...(certificate && { cert: certificate.certificate, key: certificate.key }),
    })
    this.session.on('error', () => {})
  }

  request(path: string, { method = 'GET', body, headers = {} }: HttpRequest = {}): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request(
        { ':method': method, ':path': path, ...headers },
        { endStream: body === undefined },
      )
      let head: HttpAnswer['headers'] = {}
      const pieces: Buffer[] = []
      stream.once('response', received => {
        head = received as HttpAnswer['headers']
      })
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.once('error', reject)
      stream.once('end', () => {
        const bytes = Buffer.concat(pieces)
        resolve({ code: Number(head[':status']), headers: head, bytes, json: parsed(bytes) })
      })
      if (body !== undefined) stream.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.session.destroy()
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
