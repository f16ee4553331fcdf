import { beforeEach, describe, expect, test } from 'vitest'
import { HandFedInformers } from '../../../test/network/hand-fed-informers.ts'
import {
  endpoint,
  headlessObject,
  namespaceObject,
  podObject,
  serviceObject,
  sliceObject,
} from '../../../test/network/objects.ts'
import { Namespace, Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { addressRangeOf } from '../../machinery/address-range.ts'
import { Rcode, RecordType, type ResourceRecord } from '../message/message.ts'
import { dataText } from '../message/resource-record.ts'
import { clusterCatalog } from './catalog.ts'
import { type ClusterZone, clusterZone } from './cluster-zone.ts'

const ZONE = 'cluster.local'
let cluster: HandFedInformers
let zone: ClusterZone

beforeEach(() => {
  cluster = new HandFedInformers()
  zone = clusterZone({
    catalog: clusterCatalog(cluster),
    serverAddress: '10.96.0.10',
    ownRanges: [addressRangeOf('10.244.0.0/16'), addressRangeOf('10.96.0.0/12')],
  })
  cluster.sync()
  cluster.set(Namespace, namespaceObject('default'))
})

const texts = (records: readonly ResourceRecord[]): string[] =>
  records.map(record => `${record.name} ${dataText(record)}`)
const ask = (name: string, type: keyof typeof RecordType = 'A') => zone.answer({ name, type: RecordType[type] })!
const answers = (name: string, type: keyof typeof RecordType = 'A'): string[] => ask(name, type).answers.map(dataText)

function expectNoData(name: string, type: keyof typeof RecordType = 'A'): void {
  expect(ask(name, type)).toMatchObject({
    rcode: Rcode.NoError,
    answers: [],
    authority: [{ type: RecordType.SOA, ttl: 0 }],
  })
}

function expectNoSuchName(name: string): void {
  expect(ask(name)).toMatchObject({
    rcode: Rcode.NameError,
    answers: [],
    authority: [{ type: RecordType.SOA, ttl: 0 }],
  })
}

describe('2.2 the schema version', () => {
  test('is a TXT record', () => {
    expect(answers(`dns-version.${ZONE}`, 'TXT')).toEqual(['"1.1.0"'])
    expectNoData(`dns-version.${ZONE}`)
  })
})

describe('2.3 Services with a cluster address', () => {
  beforeEach(() => {
    cluster.set(
      Service,
      serviceObject('db', {
        spec: {
          clusterIP: '10.96.3.4',
          ports: [
            { name: 'web', port: 80, protocol: 'TCP' },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
      }),
    )
    cluster.set(EndpointSlice, sliceObject('db', [endpoint('10.244.0.5', 'db-0'), endpoint('10.244.0.6')]))
  })

  test('2.3.1 have one A record, whatever the case of the question', () => {
    expect(answers(`db.default.svc.${ZONE}`)).toEqual(['10.96.3.4'])
    expect(answers(`DB.Default.SVC.cluster.LOCAL`)).toEqual(['10.96.3.4'])
  })

  test('2.3.1 have no AAAA record without an IPv6 address, and one with it', () => {
    expectNoData(`db.default.svc.${ZONE}`, 'AAAA')
    cluster.set(
      Service,
      serviceObject('db', { spec: { clusterIP: '10.96.3.4', clusterIPs: ['10.96.3.4', 'fd00::4'] } }),
    )
    expect(answers(`db.default.svc.${ZONE}`, 'AAAA')).toEqual(['fd00::4'])
  })

  test('2.3.2 have an SRV record for each named port, with the address beside it', () => {
    const answer = ask(`_web._tcp.db.default.svc.${ZONE}`, 'SRV')
    expect(texts(answer.answers)).toEqual([`_web._tcp.db.default.svc.${ZONE} 0 100 80 db.default.svc.${ZONE}.`])
    expect(texts(answer.additional)).toEqual([`db.default.svc.${ZONE} 10.96.3.4`])
    expect(answers(`_dns._udp.db.default.svc.${ZONE}`, 'SRV')).toEqual([`0 100 53 db.default.svc.${ZONE}.`])
  })

  test('2.3.2 know no port under the wrong name or protocol', () => {
    expectNoSuchName(`_dns._tcp.db.default.svc.${ZONE}`)
    expectNoSuchName(`_other._udp.db.default.svc.${ZONE}`)
    expectNoSuchName(`_web._sctp.db.default.svc.${ZONE}`)
    expectNoData(`_tcp.db.default.svc.${ZONE}`)
    expectNoData(`_web._tcp.db.default.svc.${ZONE}`, 'A')
  })

  test('2.3.3 have a PTR record', () => {
    expect(answers('4.3.96.10.in-addr.arpa', 'PTR')).toEqual([`db.default.svc.${ZONE}.`])
  })

  test('a change of the Service is in the next answer', () => {
    cluster.set(Service, serviceObject('db', { spec: { clusterIP: '10.96.9.9' } }))
    expect(answers(`db.default.svc.${ZONE}`)).toEqual(['10.96.9.9'])
    cluster.drop(Service, serviceObject('db'))
    expectNoSuchName(`db.default.svc.${ZONE}`)
  })
})

describe('2.4 headless Services', () => {
  beforeEach(() => {
    cluster.set(Service, headlessObject('web'))
    cluster.set(
      EndpointSlice,
      sliceObject('web', [
        endpoint('10.244.0.5', 'web-0'),
        endpoint('10.244.0.6', 'web-1'),
        endpoint('10.244.0.7', 'web-2', { ready: false }),
      ]),
    )
  })

  test('2.4.1 have an A record for each ready endpoint', () => {
    expect(answers(`web.default.svc.${ZONE}`)).toEqual(['10.244.0.5', '10.244.0.6'])
  })

  test('2.4.1 name each endpoint by its hostname, and the others by their address', () => {
    cluster.set(EndpointSlice, sliceObject('web', [endpoint('10.244.0.9')], { suffix: 'b' }))
    expect(answers(`web-1.web.default.svc.${ZONE}`)).toEqual(['10.244.0.6'])
    expect(answers(`10-244-0-9.web.default.svc.${ZONE}`)).toEqual(['10.244.0.9'])
    expectNoSuchName(`web-9.web.default.svc.${ZONE}`)
    expectNoSuchName(`web-2.web.default.svc.${ZONE}`)
    expectNoData(`web-1.web.default.svc.${ZONE}`, 'AAAA')
  })

  test.each([
    ['the field', headlessObject('web', { spec: { publishNotReadyAddresses: true } })],
    [
      'the old annotation',
      headlessObject('web', { annotations: { 'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true' } }),
    ],
  ])('2.4.1 name endpoints that are not ready when %s asks for it', (_, service) => {
    cluster.set(Service, service)
    expect(answers(`web-2.web.default.svc.${ZONE}`)).toEqual(['10.244.0.7'])
    expect(answers(`web.default.svc.${ZONE}`)).toHaveLength(3)
  })

  test('2.4.1 have AAAA records from slices of that family', () => {
    cluster.set(
      EndpointSlice,
      sliceObject('web', [endpoint('fd00::5', 'web-0')], { suffix: 'v6', addressType: 'IPv6' }),
    )
    expect(answers(`web.default.svc.${ZONE}`, 'AAAA')).toEqual(['fd00::5'])
    expect(answers(`web-0.web.default.svc.${ZONE}`)).toEqual(['10.244.0.5'])
  })

  test('2.4.2 have an SRV record for each endpoint of a port', () => {
    const answer = ask(`_web._tcp.web.default.svc.${ZONE}`, 'SRV')
    expect(answer.answers.map(dataText)).toEqual([
      `0 100 8080 web-0.web.default.svc.${ZONE}.`,
      `0 100 8080 web-1.web.default.svc.${ZONE}.`,
    ])
    expect(texts(answer.additional)).toEqual([
      `web-0.web.default.svc.${ZONE} 10.244.0.5`,
      `web-1.web.default.svc.${ZONE} 10.244.0.6`,
    ])
  })

  test('2.4.2 answer SRV at the name of the Service itself with all ports', () => {
    expect(answers(`web.default.svc.${ZONE}`, 'SRV')).toEqual([
      `0 100 8080 web-0.web.default.svc.${ZONE}.`,
      `0 100 8080 web-1.web.default.svc.${ZONE}.`,
    ])
    expect(answers(`web-0.web.default.svc.${ZONE}`, 'SRV')).toEqual([`0 100 8080 web-0.web.default.svc.${ZONE}.`])
  })

  test('2.4.3 give an address back its hostname, before any name made of the address', () => {
    cluster.set(Service, serviceObject('all', { spec: { clusterIP: '10.96.0.99' } }))
    cluster.set(EndpointSlice, sliceObject('all', [endpoint('10.244.0.5'), endpoint('10.244.0.8')]))
    expect(answers('5.0.244.10.in-addr.arpa', 'PTR')).toEqual([`web-0.web.default.svc.${ZONE}.`])
    expect(answers('8.0.244.10.in-addr.arpa', 'PTR')).toEqual([`10-244-0-8.all.default.svc.${ZONE}.`])
  })

  test('without any endpoint the name is still there', () => {
    cluster.set(EndpointSlice, sliceObject('web', []))
    expectNoData(`web.default.svc.${ZONE}`)
  })

  test('a change of a slice is in the next answer', () => {
    cluster.set(EndpointSlice, sliceObject('web', [endpoint('10.244.1.5', 'web-0')]))
    expect(answers(`web-0.web.default.svc.${ZONE}`)).toEqual(['10.244.1.5'])
    expectNoSuchName(`web-1.web.default.svc.${ZONE}`)
  })
})

describe('2.5 external names', () => {
  const external = (name: string, externalName: string): Service =>
    serviceObject(name, { spec: { type: 'ExternalName', externalName } })

  test('are aliases, to be followed outside', () => {
    cluster.set(Service, external('out', 'www.example.com'))
    const answer = ask(`out.default.svc.${ZONE}`)
    expect(answer.answers.map(dataText)).toEqual(['www.example.com.'])
    expect(answer.alias).toBe('www.example.com')
    expect(ask(`out.default.svc.${ZONE}`, 'CNAME').alias).toBeUndefined()
  })

  test('are followed when they lead back into the cluster', () => {
    cluster.set(Service, external('in', `web.default.svc.${ZONE}`))
    cluster.set(Service, serviceObject('web', { spec: { clusterIP: '10.96.1.1' } }))
    expect(texts(ask(`in.default.svc.${ZONE}`).answers)).toEqual([
      `in.default.svc.${ZONE} web.default.svc.${ZONE}.`,
      `web.default.svc.${ZONE} 10.96.1.1`,
    ])
  })

  test('that lead in a circle fail instead of turning for ever', () => {
    cluster.set(Service, external('a', `b.default.svc.${ZONE}`))
    cluster.set(Service, external('b', `a.default.svc.${ZONE}`))
    expect(ask(`a.default.svc.${ZONE}`).rcode).toBe(Rcode.ServerFailure)
  })
})

describe('Pods by address', () => {
  test('answer when the Pod is there, in that namespace', () => {
    cluster.set(Pod, podObject('p', '10.244.0.20'))
    expect(answers(`10-244-0-20.default.pod.${ZONE}`)).toEqual(['10.244.0.20'])
    expectNoSuchName(`10-244-0-21.default.pod.${ZONE}`)
    expectNoSuchName(`10-244-0-20.other.pod.${ZONE}`)
  })
})

describe('the zone', () => {
  test('has its SOA and NS, and an address for its name server', () => {
    expect(ask(ZONE, 'SOA').answers).toHaveLength(1)
    expect(answers(ZONE, 'NS')).toEqual([`ns.dns.${ZONE}.`])
    expect(answers(`ns.dns.${ZONE}`)).toEqual(['10.96.0.10'])
  })

  test.each(['', 'svc.', 'pod.', 'dns.', 'default.svc.', 'default.pod.'])(
    'has "%scluster.local", without data',
    prefix => {
      expectNoData(`${prefix}${ZONE}`)
    },
  )

  test.each(['x.', 'none.svc.', 'none.pod.', 'web.default.svc.', 'a.b.c.d.e.svc.', 'web-0.web.default.svc.'])(
    'has no "%scluster.local"',
    prefix => {
      expectNoSuchName(`${prefix}${ZONE}`)
    },
  )

  test('leaves other names to others', () => {
    for (const name of ['example.com', 'notcluster.local', 'local', '', '1.1.1.1.in-addr.arpa']) {
      expect(zone.answer({ name, type: RecordType.A })).toBeUndefined()
    }
  })

  test('answers for every address of its own ranges, so that nobody outside is asked', () => {
    expectNoSuchName('77.0.244.10.in-addr.arpa')
    expectNoSuchName('77.0.96.10.in-addr.arpa')
  })
})

test('before the cluster is known, its names fail rather than not exist', () => {
  const young = clusterZone({
    catalog: clusterCatalog(new HandFedInformers()),
    serverAddress: '10.96.0.10',
    ownRanges: [addressRangeOf('10.244.0.0/16')],
  })
  for (const name of [`web.default.svc.${ZONE}`, '5.0.244.10.in-addr.arpa']) {
    expect(young.answer({ name, type: RecordType.A })?.rcode).toBe(Rcode.ServerFailure)
  }
  expect(young.answer({ name: 'example.com', type: RecordType.A })).toBeUndefined()
})
