import { connect, type DetailedPeerCertificate } from 'node:tls'
import { CommandError } from '../../cli/terminal.ts'
import { authorityHashOf } from './join-token.ts'

const CONNECT_TIMEOUT_MS = 10_000

/**
 * The authority that the server shows, in PEM, once it is the one that the token names. Nothing is sent before that, so
 * an impostor learns nothing.
 */
export function pinnedAuthority(server: URL, authorityHash: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: server.hostname,
      port: Number(server.port || 443),
      servername: /^[\d.]+$/.test(server.hostname) ? '' : server.hostname,
      rejectUnauthorized: false, // The pin decides instead.
      timeout: CONNECT_TIMEOUT_MS,
    })
    const fail = (why: string, cause?: unknown): void => {
      socket.destroy()
      reject(new CommandError(`cannot join by ${server.href}: ${why}`, cause === undefined ? {} : { cause }))
    }
    socket.once('timeout', () => fail('it does not answer'))
    socket.once('error', error => fail(error.message, error))
    socket.once('secureConnect', () => {
      const authority = chainOf(socket.getPeerCertificate(true)).find(
        ({ raw }) => authorityHashOf(raw) === authorityHash,
      )
      if (!authority) return fail('its certificate is not of the cluster that made the token')
      socket.end()
      resolve(pemOf(authority.raw))
    })
  })
}

function chainOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  for (let next = certificate; next?.raw && !chain.includes(next); next = next.issuerCertificate) chain.push(next)
  return chain
}

const pemOf = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`
