import { expect, test } from 'vitest'
import type { Secret } from '../../api/core-v1/types.ts'
import { credentialsFor } from './pull-secrets.ts'

const secretOf = (auths: object): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'default', name: 's', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
})

test('the most specific server that holds the image is used', () => {
  const secret = secretOf({
    'registry.example:5000': { username: 'all', password: '1' },
    'registry.example:5000/team': { auth: Buffer.from('team:a:b').toString('base64') },
  })
  expect(credentialsFor('registry.example:5000/team/app:1', secret)).toEqual({ username: 'team', password: 'a:b' })
  expect(credentialsFor('registry.example:5000/other@sha256:00', secret)).toEqual({ username: 'all', password: '1' })
  expect(credentialsFor('elsewhere.example/app', secret)).toBeUndefined()
})

test('images without a registry belong to Docker Hub, by any of its names', () => {
  for (const server of ['https://index.docker.io/v1/', 'docker.io', 'https://registry-1.docker.io/v2/']) {
    expect(credentialsFor('nginx:1', secretOf({ [server]: { username: 'me', password: 'x' } }))).toEqual({
      username: 'me',
      password: 'x',
    })
  }
})

test('a Secret that is no JSON has no credentials', () => {
  const broken = { ...secretOf({}), data: { '.dockerconfigjson': Buffer.from('{').toString('base64') } }
  expect(credentialsFor('nginx', broken)).toBeUndefined()
})
