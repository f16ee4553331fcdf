import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { type Answer, kubectl, type RunningServer, startServer } from './running-server.ts'

interface Options {
  readonly input?: string
}

const manifest = (kind: string, name: string, part: object, apiVersion = 'v1'): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name }, ...part })
const configMap = (name: string, data: object): string => manifest('ConfigMap', name, { data })

/** A request for a client certificate, DER by hand: the test needs no other part of the world of certificates. */
const signingRequest = (request: string): string =>
  manifest(
    'CertificateSigningRequest',
    'jane',
    { spec: { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] } },
    'certificates.k8s.io/v1',
  )

describe.each(kubectlBinaries())('kubectl $version', ({ version, path }) => {
  let running: RunningServer
  let kubeconfig: string
  const namespace = 'commands'
  const isOld = version === '1.27'

  const run = (line: string, options: Options = {}): Promise<Answer> =>
    kubectl(path, [...line.split(' '), '-n', namespace], { kubeconfig, home: running.folder, ...options })
  const ok = async (line: string, options: Options = {}): Promise<string> => {
    const { code, stdout, stderr } = await run(line, options)
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' })
    return stdout
  }
  const fieldOf = (what: string, field: string): Promise<string> => ok(`get ${what} -o jsonpath={${field}}`)

  beforeAll(async () => {
    running = await startServer()
    kubeconfig = await running.kubeconfigFor('admin', ['system:masters'])
    await ok(`create ns ${namespace}`)
    await ok('create sa default')
  })
  afterAll(async () => {
    expect(running.errors).toEqual([])
    await running[Symbol.asyncDispose]()
  })

  test('deletes with each way to treat what belongs to the object', async () => {
    for (const [cascade, finalizer] of [
      ['foreground', '["foregroundDeletion"]'],
      ['orphan', '["orphan"]'],
    ]) {
      await ok(`create deployment ${cascade} --image=nginx`)
      expect(await ok(`delete deployment ${cascade} --cascade=${cascade} --wait=false`)).toContain('deleted')
      expect(await fieldOf(`deployment ${cascade}`, '.metadata.finalizers')).toBe(finalizer)
    }
    await ok('create deployment plain --image=nginx')
    await ok('delete deployment plain')
    expect((await run('get deployment plain')).stderr).toBe(
      'Error from server (NotFound): deployments.apps "plain" not found\n',
    )
  })

  test('waits for what it is told to wait for', async () => {
    await ok('create cm going --from-literal=a=1')
    const gone = run('wait --for=delete cm/going --timeout=15s')
    const changed = run('wait --for=jsonpath={.data.a}=2 cm/going --timeout=15s')
    const watches = async (): Promise<number> =>
      Number(/^apiserver_longrunning_requests (\d+)$/m.exec(await ok('get --raw /metrics'))?.[1])
    await expect.poll(watches, { timeout: 10_000 }).toBe(2)
    await ok('patch cm going -p {"data":{"a":"2"}}')
    expect((await changed).stdout).toBe('configmap/going condition met\n')
    await ok('delete cm going')
    expect((await gone).code).toBe(0)
    await ok('create cm staying')
    const late = await run('wait --for=delete cm/staying --timeout=1s')
    expect(late).toMatchObject({
      code: 1,
      stderr: 'error: timed out waiting for the condition on configmaps/staying\n',
    })
  })

  test('takes out what a later manifest does not name, and keeps what others put there', async () => {
    await ok('apply -f -', { input: configMap('parts', { a: '1', b: '2', c: '3' }) })
    await ok('patch cm parts -p {"data":{"other":"x"}}')
    expect(await ok('apply -f -', { input: configMap('parts', { a: '1', c: null }) })).toBe(
      'configmap/parts configured\n',
    )
    expect(await fieldOf('cm parts', '.data')).toBe('{"a":"1","other":"x"}')
    const pod = (...names: string[]): string =>
      manifest('Pod', 'listed', { spec: { containers: names.map(name => ({ name, image: 'i' })), tolerations: [] } })
    await ok('apply -f -', { input: pod('one', 'two') })
    const refused = await run('apply -f -', { input: pod('one') })
    expect(refused.stderr).toContain('spec: Forbidden: pod updates may not change fields other than')
  })

  test('applies a list of things and prunes what is not among them', async () => {
    const labelled = (name: string): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { set: 'x' } } })
    const items = [labelled('kept'), labelled('pruned')].map(text => JSON.parse(text))
    await ok('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) })
    const line = 'apply -f - --prune -l set=x --prune-allowlist=core/v1/ConfigMap'
    const answer = await ok(line, { input: labelled('kept') })
    expect(answer).toContain('configmap/kept unchanged')
    expect(answer).toContain('configmap/pruned pruned')
    expect(await ok('get cm -l set=x -o name')).toBe('configmap/kept\n')
  })

  test('replaces, also by force', async () => {
    const web = (image: string, name = 'web'): string =>
      manifest('Pod', name, { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] } })
    await ok('create -f -', { input: web('a') })
    const before = await fieldOf('pod web', '.metadata.uid')
    expect(await ok('replace --force -f -', { input: web('b') })).toContain('pod/web replaced')
    expect(await fieldOf('pod web', '.metadata.uid')).not.toBe(before)
    expect((await run('replace -f -', { input: web('b', 'none') })).stderr).toContain('pods "none" not found')
  })

  test('changes workloads by the commands made for it', async () => {
    await ok('create deployment shop --image=nginx:1 --replicas=2')
    expect(await ok('set image deploy/shop nginx=nginx:2')).toBe('deployment.apps/shop image updated\n')
    await ok('set env deploy/shop COLOR=blue')
    await ok('set resources deploy/shop --limits=cpu=200m,memory=512Mi')
    const container = '.spec.template.spec.containers[0]'
    expect(await fieldOf('deploy shop', container)).toMatch(/"image":"nginx:2"/)
    expect(await fieldOf('deploy shop', `${container}.env[0].value`)).toBe('blue')
    expect(await fieldOf('deploy shop', `${container}.resources.limits.memory`)).toBe('512Mi')
    expect((await run('scale deploy/shop --current-replicas=3 --replicas=4')).stderr).toContain(
      'Expected replicas to be 3, was 2',
    )
    expect(await ok('scale deploy/shop --current-replicas=2 --replicas=4')).toBe('deployment.apps/shop scaled\n')
    expect(await ok('rollout pause deploy/shop')).toBe('deployment.apps/shop paused\n')
    expect((await run('rollout restart deploy/shop')).stderr).toContain("can't restart paused deployment")
    expect(await ok('rollout resume deploy/shop')).toBe('deployment.apps/shop resumed\n')
    expect(await ok('rollout restart deploy/shop')).toBe('deployment.apps/shop restarted\n')
    expect(await ok('rollout status deploy/shop --watch=false')).toContain('Waiting for deployment spec update')
    expect(await ok('autoscale deploy/shop --min=2 --max=3 --cpu-percent=70')).toContain('autoscaled')
    expect(await ok('get hpa shop')).toMatch(/Deployment\/shop +(?:cpu: )?<unknown>\/70% +2 +3 +0/)
    expect(await ok('expose deploy/shop --port=80 --target-port=8080 --name=front')).toBe('service/front exposed\n')
    expect(await fieldOf('svc front', '.spec.ports[0].targetPort')).toBe('8080')
  })

  test('tries out without doing', async () => {
    expect(await ok('run tried --image=busybox --dry-run=client -o name')).toBe('pod/tried\n')
    expect(await ok('run tried --image=busybox --dry-run=server')).toBe('pod/tried created (server dry run)\n')
    expect((await run('get pod tried')).code).toBe(1)
    const input = configMap('compared', { a: '1' })
    expect((await run('diff -f -', { input })).code).toBe(1)
    await ok('apply -f -', { input })
    expect(await run('diff -f -', { input })).toMatchObject({ code: 0, stdout: '' })
    expect((await run('diff -f -', { input: manifest('Nothing', 'x', {}) })).code).toBeGreaterThan(1)
  })

  test('taints, cordons and drains a machine', async () => {
    await ok('create -f -', { input: manifest('Node', 'n1', {}) })
    expect(await ok('taint node n1 disk=slow:NoSchedule')).toBe('node/n1 tainted\n')
    expect(await fieldOf('node n1', '.spec.taints[0]')).toBe('{"effect":"NoSchedule","key":"disk","value":"slow"}')
    await ok('taint node n1 disk-')
    expect(await ok('cordon n1')).toBe('node/n1 cordoned\n')
    expect(await ok('get node n1')).toMatch(/^n1 +Unknown,SchedulingDisabled /m)
    expect(await ok('uncordon n1')).toBe('node/n1 uncordoned\n')
    const spec = { nodeName: 'n1', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] }
    await ok('create -f -', { input: manifest('Pod', 'placed', { spec }) })
    expect((await run('drain n1')).stderr).toContain('cannot delete')
    expect(await ok('drain n1 --force --timeout=15s --disable-eviction')).toContain('node/n1 drained')
  })

  test('tells who one is and what one may do', async () => {
    if (!isOld) expect(await ok('auth whoami')).toMatch(/^Username +admin$/m)
    const list = await ok('auth can-i --list')
    expect(list).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m)
    expect(list.match(/^ +\[\*\] +\[\] +\[\*\]$/gm)).toHaveLength(1)
    const token = (await ok('create token default --duration=2h --audience=vault --audience=other')).trim()
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    expect(claims.aud).toEqual(['vault', 'other'])
    expect(claims.exp - claims.iat).toBe(7200)
    expect((await run('create token default --duration=1m')).stderr).toContain(
      'may not specify a duration less than 10 minutes',
    )
  })

  test('approves and denies requests for certificates', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    await ok('create -f -', { input: signingRequest(Buffer.from(pem).toString('base64')) })
    expect(await ok('get csr jane')).toMatch(
      /^jane +\S+ +kubernetes.io\/kube-apiserver-client +admin +<none> +Pending$/m,
    )
    expect(await ok('certificate approve jane')).toContain(
      'certificatesigningrequest.certificates.k8s.io/jane approved',
    )
    expect(await fieldOf('csr jane', '.status.conditions[0].type')).toBe('Approved')
  })

  test('shows events of one object, and says what there is not', async () => {
    await ok('run talkative --image=i')
    const uid = await fieldOf('pod talkative', '.metadata.uid')
    const involvedObject = { kind: 'Pod', name: 'talkative', namespace, uid, apiVersion: 'v1' }
    const event = { involvedObject, reason: 'Told', message: 'so it is', type: 'Normal', count: 1 }
    await ok('create -f -', { input: manifest('Event', 'talkative.1', event) })
    expect(await ok('events --for pod/talkative')).toMatch(/Normal +Told +Pod\/talkative +so it is/)
    expect(await ok('describe pod talkative')).toMatch(/Told.*so it is/)
    expect((await run('top pod')).stderr).toContain('Metrics API not available')
    expect((await run('logs talkative')).stderr).not.toMatch(/at .*\.[jt]s:/)
    expect(JSON.parse(await ok(`get --raw /api/v1/namespaces/${namespace}`)).metadata.name).toBe(namespace)
    expect(await ok('api-versions')).toMatch(/^apiextensions\.k8s\.io\/v1$/m)
    expect(await ok('explain pod --recursive')).toMatch(/terminationGracePeriodSeconds\s+<integer>/)
  })
})
