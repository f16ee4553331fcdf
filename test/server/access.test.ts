import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ConfigMap,
  LimitRange,
  Namespace,
  Node,
  Pod,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '../../src/api/core-v1/types.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../src/api/rbac-v1/types.ts'
import { apiClient } from '../../src/client/api-client.ts'
import type { Client } from '../../src/client/client.ts'
import { isStatusError } from '../../src/machinery/status.ts'
import { HttpClient } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

let running: RunningServer
let admin: Client
const clientOf = (name: string, ...groups: string[]): Client =>
  apiClient(running.server.transportFor({ name, groups: [...groups, 'system:authenticated'] }))
const failure = async (action: Promise<unknown>): Promise<string> => {
  try {
    await action
  } catch (error) {
    if (isStatusError(error)) return `${error.reason}: ${error.message}`
    throw error
  }
  return 'no failure'
}

beforeAll(async () => {
  running = await startServer()
  admin = apiClient(running.server.transport)
  await admin.create(ServiceAccount, { metadata: { namespace: 'default', name: 'default' } })
})
afterAll(async () => {
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

const pod = (name: string, spec: Partial<Pod['spec']> = {}) => ({
  metadata: { namespace: 'default', name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})
const rbac = 'rbac.authorization.k8s.io'

describe('roles', () => {
  test('give what they say, from the moment that somebody is bound to them', async () => {
    const jane = clientOf('jane')
    expect(await failure(jane.list(Pod, { namespace: 'default' }))).toBe(
      'Forbidden: pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    )
    expect(await failure(jane.get(Node, { name: 'n' }))).toBe(
      'Forbidden: nodes "n" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
    )
    await admin.create(RoleBinding, {
      metadata: { namespace: 'default', name: 'jane' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'edit' },
      subjects: [{ kind: 'User', name: 'jane', apiGroup: rbac }],
    })
    await expect.poll(() => failure(jane.list(Pod, { namespace: 'default' }))).toBe('no failure')
    expect(await failure(jane.list(Pod, { namespace: 'kube-system' }))).toContain('Forbidden')
    expect(await failure(jane.list(Role, { namespace: 'default' }))).toContain('Forbidden')
  })

  test('are not given by those who do not have them', async () => {
    const wanted = { metadata: { name: 'all' }, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }
    await admin.create(ClusterRole, {
      metadata: { name: 'role-maker' },
      rules: [
        { apiGroups: [rbac], resources: ['clusterroles', 'clusterrolebindings'], verbs: ['create', 'update', 'get'] },
      ],
    })
    await admin.create(ClusterRoleBinding, {
      metadata: { name: 'role-maker' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'role-maker' },
      subjects: [{ kind: 'Group', name: 'makers', apiGroup: rbac }],
    })
    const maker = clientOf('mallory', 'makers')
    await expect
      .poll(() => failure(maker.create(ClusterRole, wanted)))
      .toContain(
        'user "mallory" (groups=["makers" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
      )
    const binding = {
      metadata: { name: 'mallory' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', name: 'mallory', apiGroup: rbac }],
    }
    expect(await failure(maker.create(ClusterRoleBinding, binding))).toContain(
      'is attempting to grant RBAC permissions',
    )
  })
})

describe('tokens', () => {
  test('of a service account are good until the account is gone', async () => {
    const account = await admin.create(ServiceAccount, { metadata: { namespace: 'default', name: 'robot' } })
    const call = { subresource: 'token', body: { spec: {} } }
    const answer = await admin.createSubresource(ServiceAccount, { namespace: 'default', name: 'robot' }, call)
    const { token } = answer.status as { token: string }
    using http = new HttpClient(running)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const whoami = () =>
      http.request('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        method: 'POST',
        headers,
        body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
      })
    await expect
      .poll(async () => (await whoami()).json.status?.userInfo)
      .toMatchObject({
        username: 'system:serviceaccount:default:robot',
        uid: account.metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      })
    await admin.delete(ServiceAccount, { namespace: 'default', name: 'robot' })
    await expect.poll(async () => (await whoami()).code).toBe(401)
  })

  test('for other audiences are not for the API, and are bound to what they name', async () => {
    const call = { subresource: 'token', body: { spec: { audiences: ['vault'] } } }
    const answer = await admin.createSubresource(ServiceAccount, { namespace: 'default', name: 'default' }, call)
    const { token } = answer.status as { token: string }
    const review = (audiences?: string[]) =>
      admin.transport.request({
        verb: 'create',
        group: 'authentication.k8s.io',
        version: 'v1',
        resource: 'tokenreviews',
        body: { spec: { token, ...(audiences && { audiences }) } },
      })
    expect((await review()).status).toMatchObject({ error: 'invalid bearer token' })
    expect((await review(['vault', 'other'])).status).toMatchObject({ authenticated: true, audiences: ['vault'] })
    const unknown = {
      subresource: 'token',
      body: { spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } } },
    }
    expect(
      await failure(admin.createSubresource(ServiceAccount, { namespace: 'default', name: 'default' }, unknown)),
    ).toBe('NotFound: pods "none" not found')
    const short = { subresource: 'token', body: { spec: { expirationSeconds: 5 } } }
    expect(
      await failure(admin.createSubresource(ServiceAccount, { namespace: 'default', name: 'default' }, short)),
    ).toContain('may not specify a duration less than 10 minutes')
  })

  test('for bootstrapping are Secrets, until they end', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const secret = (id: string, expiration: string) => ({
      metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'token-id': base64(id),
        'token-secret': base64('0123456789abcdef'),
        'usage-bootstrap-authentication': base64('true'),
        'auth-extra-groups': base64('system:bootstrappers:kubeadm:default-node-token'),
        expiration: base64(expiration),
      },
    })
    await admin.create(Secret, secret('aaaaaa', '2999-01-01T00:00:00Z'))
    await admin.create(Secret, secret('bbbbbb', '2001-01-01T00:00:00Z'))
    using http = new HttpClient(running)
    const list = async (token: string): Promise<number> =>
      (
        await http.request('/apis/certificates.k8s.io/v1/certificatesigningrequests', {
          headers: { authorization: `Bearer ${token}` },
        })
      ).code
    await expect.poll(() => list('aaaaaa.0123456789abcdef')).toBe(200)
    expect(await list('aaaaaa.0123456789abcdee')).toBe(401)
    expect(await list('bbbbbb.0123456789abcdef')).toBe(401)
  })
})

describe('impersonation', () => {
  test('is for those who may', async () => {
    const path = '/api/v1/namespaces/kube-system/secrets'
    using http = new HttpClient(running, await running.certificateFor('bob'))
    const refused = await http.request(path, {
      headers: { 'impersonate-user': 'root', 'impersonate-group': 'system:masters' },
    })
    expect(refused.json.message).toBe(
      'users "root" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    )
    using master = new HttpClient(running, await running.certificateFor('admin', ['system:masters']))
    expect((await master.request(path, { headers: { 'impersonate-user': 'bob' } })).code).toBe(403)
  })
})

describe('a kubelet', () => {
  test('reads the secrets of its own Pods, and changes its own Node', async () => {
    await admin.create(Secret, { metadata: { namespace: 'default', name: 'used' } })
    await admin.create(Secret, { metadata: { namespace: 'default', name: 'unused' } })
    const spec = {
      nodeName: 'n1',
      automountServiceAccountToken: false,
      volumes: [{ name: 'v', secret: { secretName: 'used' } }],
    }
    const own = pod('on-n1', spec)
    const labels = { nodeName: 'n2' } // Looks like a machine, and is none.
    await admin.create(Pod, { ...own, metadata: { ...own.metadata, labels } })
    const [first, second] = ['n1', 'n2'].map(name => clientOf(`system:node:${name}`, 'system:nodes'))
    const used = { namespace: 'default', name: 'used' }
    await expect.poll(() => failure(first!.get(Secret, used))).toBe('no failure')
    expect(await failure(first!.get(Secret, { ...used, name: 'unused' }))).toContain(
      'no relationship found between node',
    )
    expect(await failure(second!.get(Secret, used))).toContain('no relationship found between node')
    const token = (client: Client, boundObjectRef?: object) =>
      failure(
        client.createSubresource(
          ServiceAccount,
          { namespace: 'default', name: 'default' },
          {
            subresource: 'token',
            body: { spec: { ...(boundObjectRef && { boundObjectRef: boundObjectRef as never }) } },
          },
        ),
      )
    expect(await token(first!)).toContain('node requested token not bound to a pod')
    expect(await token(first!, { kind: 'Pod', apiVersion: 'v1', name: 'on-n1' })).toBe('no failure')
    expect(await token(second!, { kind: 'Pod', apiVersion: 'v1', name: 'on-n1' })).toContain('no relationship found')
    await first!.create(Node, { metadata: { name: 'n1' }, spec: {} })
    const created = await first!.get(Node, { name: 'n1' })
    expect(created.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
    expect(await failure(second!.updateStatus(Node, created))).toContain('node "n2" is not allowed to modify node "n1"')
    expect(await failure(second!.delete(Pod, { namespace: 'default', name: 'on-n1' }))).toContain(
      'can only delete pods with spec.nodeName set to itself',
    )
  })
})

describe('admission', () => {
  const namespaceWith = async (name: string, labels: Record<string, string> = {}) => {
    await admin.create(Namespace, { metadata: { name, labels }, spec: {} })
    await admin.create(ServiceAccount, { metadata: { namespace: name, name: 'default' } })
  }
  const podIn = (namespace: string, name: string, spec: Partial<Pod['spec']> = {}) => ({
    ...pod(name, spec),
    metadata: { namespace, name },
  })

  test('fills in account, tolerations and priority', async () => {
    const { spec } = await admin.create(Pod, pod('filled'))
    expect(spec).toMatchObject({ serviceAccountName: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority' })
    expect(spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
      ['node.kubernetes.io/not-ready', 300],
      ['node.kubernetes.io/unreachable', 300],
    ])
    expect(spec.containers[0]!.volumeMounts?.[0]).toMatchObject({
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
      readOnly: true,
    })
    const critical = await admin.create(Pod, pod('critical', { priorityClassName: 'system-node-critical' }))
    expect(critical.spec.priority).toBe(2_000_001_000)
  })

  test('lets nothing into a namespace that is not there', async () => {
    const configMap = { metadata: { namespace: 'nowhere', name: 'x' } }
    expect(await failure(admin.create(ConfigMap, configMap))).toBe('NotFound: namespaces "nowhere" not found')
    expect(await failure(admin.delete(Namespace, { name: 'default' }))).toContain('this namespace may not be deleted')
  })

  test('never overshoots a quota, also under concurrent creates', async () => {
    await namespaceWith('tight')
    await admin.create(ResourceQuota, {
      metadata: { namespace: 'tight', name: 'five' },
      spec: { hard: { pods: '5', configmaps: '3' } },
    })
    await expect
      .poll(async () => (await admin.get(ResourceQuota, { namespace: 'tight', name: 'five' })).status?.hard)
      .toBeDefined()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => failure(admin.create(Pod, podIn('tight', `p${i}`)))),
    )
    expect(outcomes.filter(outcome => outcome === 'no failure')).toHaveLength(5)
    expect(outcomes.at(-1)).toBe(
      'Forbidden: pods "p19" is forbidden: exceeded quota: five, requested: pods=1, used: pods=5, limited: pods=5',
    )
    await expect
      .poll(async () => (await admin.get(ResourceQuota, { namespace: 'tight', name: 'five' })).status?.used)
      .toEqual({
        pods: '5',
        configmaps: '0',
      })
    await admin.delete(Pod, { namespace: 'tight', name: 'p0' }, { gracePeriodSeconds: 0 })
    await expect.poll(() => failure(admin.create(Pod, podIn('tight', 'again')))).toBe('no failure')
  })

  test('applies limit ranges', async () => {
    await namespaceWith('limited')
    await admin.create(LimitRange, {
      metadata: { namespace: 'limited', name: 'l' },
      spec: {
        limits: [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '250m' }, max: { cpu: '1' } }],
      },
    })
    const created = admin.create(Pod, podIn('limited', 'filled'))
    expect((await created).spec.containers[0]!.resources).toEqual({
      limits: { cpu: '500m' },
      requests: { cpu: '250m' },
    })
    const large = podIn('limited', 'large', {
      containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '2' } } }],
    })
    expect(await failure(admin.create(Pod, large))).toContain('maximum cpu usage per Container is 1, but limit is 2')
  })

  test('keeps Pods to the level of their namespace', async () => {
    await namespaceWith('strict', { 'pod-security.kubernetes.io/enforce': 'baseline' })
    const container = { name: 'c', image: 'i', securityContext: { privileged: true } }
    expect(
      await failure(admin.create(Pod, podIn('strict', 'p', { containers: [container], hostNetwork: true }))),
    ).toContain(
      'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "c" must not set securityContext.privileged=true)',
    )
    expect(await failure(admin.create(Pod, podIn('strict', 'plain')))).toBe('no failure')
  })
})
