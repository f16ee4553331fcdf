import { type ClientRequest, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { Node } from '../../api/core-v1/types.ts'
import type { KeyPair } from '../pki/certificate.ts'
import type { NodeConnection, NodeRequest, NodeResponse, NodeUpgrade, ProxiedAddress } from './node-connection.ts'

export interface HttpsNodeConnectionOptions {
  /** As whom the kubelets know the server. */
  readonly certificate: KeyPair
  /** PEM of the CA that signed the kubelets' own certificates. */
  readonly authority: string
}

const KUBELET_PORT = 10_250
const CONNECT_MS_MAX = 10_000

/** Reaches kubelets over HTTPS at their machine's address, each side showing a certificate of the cluster's CA. */
export function httpsNodeConnection({ certificate, authority }: HttpsNodeConnectionOptions): NodeConnection {
  const agent = new Agent({ keepAlive: true, cert: certificate.certificate, key: certificate.key, ca: authority })
  /** Upgraded connections are never given back, so they come from no pool. */
  const upgradeAgent = new Agent({
    keepAlive: false,
    cert: certificate.certificate,
    key: certificate.key,
    ca: authority,
  })
  const optionsFor = (node: Node, { method, path, headers, signal }: NodeRequest): RequestOptions => {
    const { host, port } = addressOf(node)
    return { host, port, method, path, headers, ...(signal && { signal }) }
  }
  return {
    request: (node, request) => answered(httpsRequest({ ...optionsFor(node, request), agent }), request),
    upgrade: (node, request) => upgraded(httpsRequest({ ...optionsFor(node, request), agent: upgradeAgent }), request),
    requestAddress: (address, request) => answered(toAddress(address, request), request),
  }
}

function addressOf({ metadata, status }: Node): { host: string; port: number } {
  const address = ['InternalIP', 'ExternalIP', 'Hostname']
    .map(type => status?.addresses?.find(candidate => candidate.type === type)?.address)
    .find(candidate => candidate !== undefined)
  return { host: address ?? metadata.name, port: status?.daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT }
}

/** What a Pod serves is its own affair: its certificate is not checked, as upstream does not either. */
function toAddress(
  { scheme, host, port }: ProxiedAddress,
  { method, path, headers, signal }: NodeRequest,
): ClientRequest {
  const options = { host, port, method, path, headers, ...(signal && { signal }) }
  return scheme === 'https' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options)
}

function begun(request: ClientRequest, { body }: NodeRequest, onError: (error: Error) => void): void {
  request.on('error', onError)
  request.setTimeout(CONNECT_MS_MAX, () => {
    if (request.socket?.connecting) request.destroy(new Error('the connection was not made in time'))
  })
  if (body) body.pipe(request)
  else request.end()
}

function answered(request: ClientRequest, { body, ...rest }: NodeRequest): Promise<NodeResponse> {
  return new Promise((resolve, reject) => {
    request.once('response', response => {
      response.on('error', () => {}) // Whoever reads the body sees it end early.
      resolve({ code: response.statusCode!, headers: response.headers, body: response })
    })
    begun(request, { ...rest, ...(body && { body }) }, reject)
  })
}

function upgraded(request: ClientRequest, nodeRequest: NodeRequest): Promise<NodeUpgrade> {
  return new Promise((resolve, reject) => {
    request.once('upgrade', ({ headers }, stream, head) => resolve({ kind: 'upgraded', headers, stream, head }))
    request.once('response', response => {
      response.on('error', () => {})
      resolve({ kind: 'refused', response: { code: response.statusCode!, headers: response.headers, body: response } })
    })
    begun(request, nodeRequest, reject)
  })
}
