import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { withContext, withoutContext } from './merge-context.ts'

const context = { name: 'holdfast', cluster: { server: 'https://127.0.0.1:6443' }, user: { token: 't' } }
const others = `# my clusters
apiVersion: v1
kind: Config
current-context: work
clusters:
  - name: work # do not touch
    cluster: {server: https://work.example}
users:
  - name: me
    user: {token: secret}
contexts:
  - name: work
    context: {cluster: work, user: me}
preferences: {colors: true}
`

test('a new file gets just the context', () => {
  expect(parse(withContext('', 'config', context))).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'holdfast', cluster: context.cluster }],
    users: [{ name: 'holdfast', user: context.user }],
    contexts: [{ name: 'holdfast', context: { cluster: 'holdfast', user: 'holdfast' } }],
    'current-context': 'holdfast',
  })
})

test('what others put into the file stays, comments included', () => {
  const merged = withContext(others, 'config', context)
  expect(merged).toContain('# my clusters')
  expect(merged).toContain('# do not touch')
  expect(parse(merged)).toMatchObject({ preferences: { colors: true }, users: [{ name: 'me' }, { name: 'holdfast' }] })
})

test('merging twice changes nothing, and taking it out leaves the others', () => {
  const once = withContext(others, 'config', context)
  expect(withContext(once, 'config', context)).toBe(once)
  expect(parse(withoutContext(once, 'config', 'holdfast'))).toEqual({ ...parse(others), 'current-context': '' })
})

test.each(['- a list', '{', 'just text', 'a: b: c'])('"%s" is refused and left alone', text => {
  expect(() => withContext(text, '/home/me/.kube/config', context)).toThrow('/home/me/.kube/config is not a kubeconfig')
})
