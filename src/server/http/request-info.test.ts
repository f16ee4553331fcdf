import { expect, test } from 'vitest'
import { requestInfoOf } from './request-info.ts'

const info = (method: string, target: string) => {
  const [path = '', query = ''] = target.split('?')
  return requestInfoOf(method, path, new URLSearchParams(query))
}

test.each([
  ['GET', '/api/v1/namespaces/demo/pods', { verb: 'list', resource: 'pods', namespace: 'demo', name: '' }],
  ['GET', '/api/v1/pods?watch=true', { verb: 'watch', resource: 'pods', namespace: '' }],
  ['GET', '/api/v1/watch/namespaces/demo/pods/p', { verb: 'watch', resource: 'pods', name: 'p' }],
  ['GET', '/apis/apps/v1/namespaces/demo/statefulsets/web/scale', { verb: 'get', group: 'apps', subresource: 'scale' }],
  ['GET', '/api/v1/namespaces/demo', { verb: 'get', resource: 'namespaces', name: 'demo', namespace: 'demo' }],
  ['PUT', '/api/v1/namespaces/demo/finalize', { verb: 'update', resource: 'namespaces', subresource: 'finalize' }],
  ['DELETE', '/api/v1/nodes', { verb: 'deletecollection', resource: 'nodes' }],
  ['DELETE', '/api/v1/nodes/n', { verb: 'delete', name: 'n' }],
  ['POST', '/api/v1/namespaces/demo/pods/p/exec', { verb: 'create', subresource: 'exec' }],
  ['GET', '/api/v1/namespaces/demo/pods/p:80/proxy/a/b', { name: 'p:80', subresource: 'proxy', rest: '/a/b' }],
  ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode', { name: 'system:node' }],
])('%s %s', (method, target, expected) => {
  expect(info(method, target)).toMatchObject({ isResource: true, ...expected })
})

test.each([
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps/v1',
  '/apis/apps',
  '/healthz',
  '/',
  '/api/v1/namespaces/a/pods/b/c/d',
])('%s names no resource', path => expect(info('GET', path)).toMatchObject({ isResource: false, path }))
