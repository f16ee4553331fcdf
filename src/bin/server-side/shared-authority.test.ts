import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock as clock } from '../../machinery/system-clock.ts'
import { systemRandom as random } from '../../machinery/system-random.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { CertificateFiles } from './certificate-files.ts'
import { shareAuthority } from './shared-authority.ts'

test('servers on one store have one authority and one token key, also when they start together', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'))
  try {
    const store = memoryStore({ clock })
    const servers = ['a', 'b', 'c'].map(name => new CertificateFiles(join(folder, name), { clock, random }))
    await Promise.all(servers.slice(0, 2).map(certificates => shareAuthority(store, certificates)))
    await shareAuthority(store, servers[2]!)
    const authorities = await Promise.all(servers.map(certificates => certificates.authority()))
    expect(new Set(authorities.map(({ key }) => key)).size).toBe(1)
    expect(new Set(servers.map(certificates => certificates.tokenKey())).size).toBe(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a data directory of another cluster is refused and left as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'))
  try {
    const store = memoryStore({ clock })
    await shareAuthority(store, new CertificateFiles(join(folder, 'a'), { clock, random }))
    const other = new CertificateFiles(join(folder, 'b'), { clock, random })
    const { key } = await other.authority()
    await expect(shareAuthority(store, other)).rejects.toThrow('of another cluster than the one in etcd')
    expect((await other.authority()).key).toBe(key)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('certificates are kept while they are good, and made anew when their names change', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  try {
    const certificates = new CertificateFiles(folder, { clock, random })
    const request = { commonName: 'server', usage: 'server', dnsNames: ['a'] } as const
    const first = await certificates.certificate('server', request)
    expect(await new CertificateFiles(folder, { clock, random }).certificate('server', request)).toEqual(first)
    const second = await certificates.certificate('server', { ...request, dnsNames: ['a', 'b'] })
    expect(second.certificate).not.toBe(first.certificate)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
