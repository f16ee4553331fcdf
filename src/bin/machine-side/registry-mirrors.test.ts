import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hostsText, registryMirrorFrom, writeRegistryMirrors } from './registry-mirrors.ts'

test('a mirror is a registry and where its images come from', () => {
  expect(registryMirrorFrom('docker.io=http://127.0.0.1:5000/')).toEqual({
    registry: 'docker.io',
    url: 'http://127.0.0.1:5000',
  })
  expect(registryMirrorFrom('registry.example:5000=https://mirror.example/v2').registry).toBe('registry.example:5000')
})

test('what is no mirror is refused with an example', () => {
  for (const text of ['docker.io', 'docker.io=127.0.0.1:5000', '=http://a', '../x=http://a', 'a=http://b"c']) {
    expect(() => registryMirrorFrom(text)).toThrow(/not of the form HOST=URL/)
  }
})

test('mirrors are asked in their order, the registry itself last', () => {
  const mirrors = ['http://one', 'http://two'].map(url => ({ registry: 'docker.io', url }))
  expect(hostsText('docker.io', mirrors)).toBe(
    [
      'server = "https://registry-1.docker.io"\n',
      '[host."http://one"]\n  capabilities = ["pull", "resolve"]\n',
      '[host."http://two"]\n  capabilities = ["pull", "resolve"]\n',
    ].join('\n'),
  )
})

test('a mirror that is no longer wished for is forgotten', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mirrors-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await writeRegistryMirrors(folder, [registryMirrorFrom('quay.io=http://old')])
  await writeRegistryMirrors(folder, [registryMirrorFrom('docker.io=http://new')])
  expect(readdirSync(folder)).toEqual(['docker.io'])
  expect(readFileSync(join(folder, 'docker.io', 'hosts.toml'), 'utf8')).toContain('"http://new"')
})
