import { addressBytes } from '../message/address.ts'

/** The name servers of a resolv.conf(5) text, in its order. */
export function nameServersOf(text: string): readonly string[] {
  const servers = text.split('\n').flatMap(line => {
    const [keyword, address] = line.trim().split(/\s+/)
    return keyword === 'nameserver' && address && addressBytes(address.split('%')[0]!) ? [address] : []
  })
  return [...new Set(servers)]
}
