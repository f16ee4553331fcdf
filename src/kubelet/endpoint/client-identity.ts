import type { TLSSocket } from 'node:tls'

/** Who asks the kubelet, as the client certificate says. */
export interface EndpointUser {
  readonly name: string
  readonly groups: readonly string[]
}

/** Undefined when there is no certificate, or none of an authority that we trust. */
export function userOf(socket: TLSSocket): EndpointUser | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  if (!subject?.CN) return undefined
  const groups = subject.O === undefined ? [] : Array.isArray(subject.O) ? subject.O : [subject.O]
  return { name: String(subject.CN), groups: groups.map(String) }
}
