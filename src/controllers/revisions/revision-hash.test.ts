import { expect, test } from 'vitest'
import { revisionDataOf } from './revision-data.ts'
import { fnv1Of, revisionHashOf, revisionNameOf } from './revision-hash.ts'

const DATA =
  '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"nginx:1.27","imagePullPolicy":"IfNotPresent","name":"nginx","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}'

const template = {
  metadata: { labels: { app: 'web' } },
  spec: {
    restartPolicy: 'Always' as const,
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst' as const,
    securityContext: {},
    schedulerName: 'default-scheduler',
    containers: [
      {
        name: 'nginx',
        image: 'nginx:1.27',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File' as const,
        imagePullPolicy: 'IfNotPresent' as const,
      },
    ],
  },
}

test('H3: the hash function gives the published value for a single letter', () => {
  expect(fnv1Of(Buffer.from('a'))).toBe(84696446)
  expect(revisionHashOf('a')).toBe('d8bfb88b')
})

test('H1, H3: a template is recorded byte for byte as upstream records it', () => {
  expect(revisionDataOf(template).text).toBe(DATA)
  expect(Buffer.byteLength(DATA)).toBe(414)
})

test('H2, H3: names of revisions equal those of upstream, with and without a collision', () => {
  expect(revisionHashOf(DATA, 0)).toBe('7c44b75699')
  expect(revisionHashOf(DATA, 1)).toBe('7c44b75698')
  expect(revisionHashOf(DATA)).toBe('c68bf5865')
})

test('H2: a long owner name is cut so that the name of the revision stays valid', () => {
  expect(revisionNameOf('web', '7c44b75699')).toBe('web-7c44b75699')
  expect(revisionNameOf('x'.repeat(253), '7c44b75699')).toBe(`${'x'.repeat(223)}-7c44b75699`)
})
