import fc from 'fast-check'
import { expect } from 'vitest'
import type { Service } from '../../src/api/core-v1/types.ts'
import type { Commands } from '../../src/machinery/commands.ts'
import { RuleSet } from '../../src/proxy/nftables/rule-set.ts'
import { serviceRules } from '../../src/proxy/plan/service-rules.ts'
import { testAsRoot } from '../needs-root.ts'
import { endpoint, serviceObject, sliceObject } from './objects.ts'
import { TestMachine } from './test-machines.ts'

const options = { clusterPodRange: '10.244.0.0/16', serviceRange: '10.96.0.0/12' }
const ids = new Map<string, number>()
const context = {
  nodeName: 'here',
  clusterPodRange: '10.244.0.0/16',
  idOf: (key: string) => ids.get(key) ?? ids.set(key, ids.size + 1).size,
}

/** One step of a cluster's life: Service number `index` is deleted, or becomes this. */
const step = fc.record({
  index: fc.nat(3),
  isGone: fc.boolean(),
  endpoints: fc.uniqueArray(fc.nat(8), { maxLength: 6 }),
  localPolicy: fc.boolean(),
  isSticky: fc.boolean(),
  type: fc.constantFrom<Service['spec']['type']>('ClusterIP', 'NodePort', 'LoadBalancer'),
  sharesAddress: fc.boolean(),
  sourceRanges: fc.constantFrom([], ['192.0.2.0/24']),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function put(rules: RuleSet, { index, isGone, endpoints, ...rest }: Step): void {
  const key = `default/s${index}`
  if (isGone) {
    rules.put(key, undefined)
    return
  }
  const service = serviceObject(`s${index}`, {
    spec: {
      clusterIP: `10.96.0.${index + 1}`,
      type: rest.type!,
      ports: [
        { name: 'web', port: 80, nodePort: 30_080 + index },
        { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053 + index },
      ],
      ...(rest.isSticky && { sessionAffinity: 'ClientIP' }),
      ...(rest.localPolicy && { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }),
      ...(rest.sharesAddress && { externalIPs: ['203.0.113.1'] }),
      loadBalancerSourceRanges: rest.sourceRanges,
    },
    status: rest.type === 'LoadBalancer' ? { loadBalancer: { ingress: [{ ip: `203.0.113.${index + 10}` }] } } : {},
  })
  const list = endpoints.map(number => ({
    ...endpoint(`10.244.0.${number + 1}`),
    nodeName: number % 2 ? 'here' : 'there',
  }))
  const ports = [
    { name: 'web', port: 8080 },
    { name: 'dns', port: 5353, protocol: 'UDP' as const },
  ]
  rules.put(key, serviceRules(service, [sliceObject(`s${index}`, list, { ports })], context, rules.service(key)))
}

/** What the kernel holds, without the order in which it holds it and without the stamp. */
async function held(commands: Commands): Promise<string[]> {
  const { nftables } = JSON.parse(await commands.run('nft', ['-j', 'list', 'table', 'ip', 'holdfast'])) as {
    nftables: object[]
  }
  const lines = nftables.flatMap(item =>
    flattened(
      JSON.parse(JSON.stringify(item, (key, value) => (key === 'handle' || value === '__set%d' ? undefined : value))),
    ),
  )
  return lines.filter(line => !/^stamp |"stamp"/.test(line)).sort()
}

function flattened(item: { map?: Listed; set?: Listed }): string[] {
  const listed = item.map ?? item.set
  if (!listed) return [JSON.stringify(item)]
  const { elem = [], ...rest } = listed
  return [JSON.stringify(rest), ...elem.map(element => `${listed.name} ${JSON.stringify(element)}`)]
}

interface Listed {
  readonly name: string
  readonly elem?: readonly unknown[]
}

testAsRoot('changes one by one lead to the same rules as writing them as a whole', { timeout: 120_000 }, async () => {
  await using machine = await TestMachine.create('rules')
  const { commands } = machine
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      async batches => {
        const rules = new RuleSet(options)
        await commands.run('nft', ['-f', '-'], { input: rules.whole().commands })
        for (const batch of batches) {
          for (const one of batch) put(rules, one)
          const input = rules.changes()?.commands
          if (input) await commands.run('nft', ['-f', '-'], { input })
        }
        const oneByOne = await held(commands)
        await commands.run('nft', ['-f', '-'], { input: rules.whole().commands })
        expect(oneByOne).toEqual(await held(commands))
      },
    ),
    { numRuns: Number(process.env.RULE_SET_RUNS ?? 25) },
  )
})

testAsRoot('more endpoints than there are chains for lead to the whole table anew', async () => {
  await using machine = await TestMachine.create('rules')
  const rules = new RuleSet(options)
  await machine.commands.run('nft', ['-f', '-'], { input: rules.whole().commands })
  for (const count of [3, 33, 100, 40]) {
    const list = Array.from({ length: count }, (_, number) => endpoint(`10.244.1.${number + 1}`))
    const service = serviceObject('big', { spec: { clusterIP: '10.96.0.1' } })
    rules.put('default/big', serviceRules(service, [sliceObject('big', list)], context, rules.service('default/big')))
    await machine.commands.run('nft', ['-f', '-'], { input: rules.changes()!.commands })
    const map = await machine.commands.run('nft', ['list', 'map', 'ip', 'holdfast', 'services'])
    expect(map).toContain(`goto pick-${count} `)
  }
})
