import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { Node } from '../../api/core-v1/types.ts'

export interface NodeRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: Readable
  readonly signal?: AbortSignal
}

export interface NodeResponse {
  readonly code: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

/** What came of asking to speak another protocol: the connection, or an ordinary answer that says why not. */
export type NodeUpgrade =
  | { readonly kind: 'upgraded'; readonly headers: IncomingHttpHeaders; readonly stream: Duplex; readonly head: Buffer }
  | { readonly kind: 'refused'; readonly response: NodeResponse }

/** The server's way to the kubelets and to Pods. Rejects when the machine cannot be reached. */
export interface NodeConnection {
  request(node: Node, request: NodeRequest): Promise<NodeResponse>
  upgrade(node: Node, request: NodeRequest): Promise<NodeUpgrade>
  /** To an address in the cluster's network, for the proxies of Pods and Services. */
  requestAddress(address: ProxiedAddress, request: NodeRequest): Promise<NodeResponse>
}

export interface ProxiedAddress {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
}
