import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { BodyError } from './json-text.ts'
import { decodeProtobuf } from './protobuf-body.ts'

const schema = protobuf.Root.fromJSON(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../data/kubernetes-protobuf.json'), 'utf8')),
)

/** A body as Go clients send it: magic, envelope, object. */
function bodyOf(type: string, apiVersion: string, fields: object): Buffer {
  const encode = (name: string, value: object): Uint8Array => {
    const message = schema.lookupType(name)
    return message.encode(message.fromObject(value)).finish()
  }
  const raw = encode(type, fields)
  const envelope = encode('k8s.io.apimachinery.pkg.runtime.Unknown', {
    typeMeta: { apiVersion, kind: type.split('.').at(-1) },
    raw,
  })
  return Buffer.concat([Buffer.from('k8s\0'), envelope])
}

test('an object is read as if it had come as JSON', () => {
  const body = bodyOf('k8s.io.api.core.v1.Pod', 'v1', {
    metadata: { name: 'p', namespace: '', generateName: '', generation: 0, labels: { a: '' }, creationTimestamp: {} },
    spec: {
      hostNetwork: false,
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'data', volumeSource: { emptyDir: {} } }],
      containers: [
        {
          name: 'c',
          image: 'i',
          workingDir: '',
          env: [{ name: 'EMPTY', value: '' }],
          resources: { requests: { cpu: { string: '100m' } } },
          livenessProbe: { handler: { httpGet: { port: { type: 1, strVal: 'web' } } }, periodSeconds: 0 },
        },
      ],
    },
  })
  expect(decodeProtobuf(body)).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', labels: { a: '' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        {
          name: 'c',
          image: 'i',
          env: [{ name: 'EMPTY', value: '' }],
          resources: { requests: { cpu: '100m' } },
          livenessProbe: { httpGet: { port: 'web' } },
        },
      ],
    },
  })
})

test('bytes, times and fields of other names become what JSON has for them', () => {
  const secret = bodyOf('k8s.io.api.core.v1.Secret', 'v1', { data: { key: Buffer.from('value') } })
  expect(decodeProtobuf(secret)).toMatchObject({ data: { key: 'dmFsdWU=' } })
  const lease = bodyOf('k8s.io.api.coordination.v1.Lease', 'coordination.k8s.io/v1', {
    spec: { renewTime: { seconds: 1_767_225_600, nanos: 5000 } },
  })
  expect(decodeProtobuf(lease)).toMatchObject({ spec: { renewTime: '2026-01-01T00:00:00.000005Z' } })
  const token = bodyOf('k8s.io.api.authentication.v1.TokenRequest', 'authentication.k8s.io/v1', {
    spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uID: 'u' } },
  })
  expect(decodeProtobuf(token)).toMatchObject({ spec: { boundObjectRef: { kind: 'Pod', uid: 'u' } } })
})

test('bytes that are no such message are refused, never thrown through', () => {
  const good = bodyOf('k8s.io.api.core.v1.ConfigMap', 'v1', { metadata: { name: 'x' }, data: { a: 'b' } })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(good)
      changed[at] = byte
      try {
        decodeProtobuf(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(BodyError)
      }
    }),
  )
})
