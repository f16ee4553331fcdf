import { hostname, networkInterfaces } from 'node:os'

/** The host's own IPv4 addresses, those that others may reach first. */
export function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

export const hostName = (): string => hostname().toLowerCase()

/** The address at `offset` of a range: `addressIn('10.96.0.0/12', 1)` is 10.96.0.1. */
export function addressIn(range: string, offset: number): string {
  const [base] = range.split('/')
  const number = base!.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + offset
  return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')
}
