import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** Headers about one connection only (RFC 9110 section 7.6.1), and those of HTTP/2 itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
])
/** What names the client to this server: nobody behind it may learn that. */
const CREDENTIALS = /^(authorization|cookie|impersonate-.*)$/

/** A client's headers as another server may see them. */
export function forwardedHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name) && !CREDENTIALS.test(name),
    ),
  )
}

/** The same with those by which a change of protocol is agreed; a token in a WebSocket subprotocol is left out. */
export function upgradeHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const protocols = headers['sec-websocket-protocol']
    ?.split(',')
    .map(protocol => protocol.trim())
    .filter(protocol => !protocol.startsWith('base64url.bearer.authorization.k8s.io.'))
  return {
    ...forwardedHeaders(headers),
    connection: 'Upgrade',
    upgrade: headers.upgrade,
    ...(protocols && { 'sec-websocket-protocol': protocols.join(', ') }),
  }
}

/** Another server's headers as the client may see them. */
export function answeredHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)))
}
