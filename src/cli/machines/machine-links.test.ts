import { expect, test } from 'vitest'
import { linksFor } from './machine-links.ts'

const addresses = (names: readonly string[], known = linksFor([], [])) =>
  linksFor(names, known).map(({ name, address }) => `${name} ${address}`)

test('machines have an address each, in their order', () => {
  expect(addresses(['master', 'node1'])).toEqual(['master 172.30.99.10', 'node1 172.30.99.11'])
})

test('a machine keeps its address when others come and go', () => {
  const known = linksFor(['master', 'node1', 'node2'], []).filter(({ name }) => name !== 'node1')
  expect(addresses(['master', 'node2', 'extra', 'more'], known)).toEqual([
    'master 172.30.99.10',
    'node2 172.30.99.12',
    'extra 172.30.99.11',
    'more 172.30.99.13',
  ])
})
