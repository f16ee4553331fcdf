import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl, type RunningServer, startServer } from './running-server.ts'

const statefulSet = (name: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {clusterIP: None, ports: [{port: 80, name: web}], selector: {app: ${name}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ${name}}
spec:
  serviceName: ${name}
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: nginx, image: "nginx:1", ports: [{containerPort: 80, name: web}]}]}
`
const configMap = (value: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { key: value } })

describe.each(kubectlBinaries())('kubectl $version', ({ version, path }) => {
  let running: RunningServer
  let kubeconfig: string
  const namespace = `with-${version.replace('.', '-')}`

  const run = async (line: string, options: { input?: string; env?: object } = {}) => {
    const words = line.split(' ')
    const place = /^(create ns|get ns|delete ns|version|api-|explain)/.test(line) ? [] : ['-n', namespace]
    return kubectl(path, [...words, ...place], { kubeconfig, home: running.folder, ...options })
  }
  const ok = async (line: string, options: { input?: string; env?: object } = {}): Promise<string> => {
    const { code, stdout, stderr } = await run(line, options)
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' })
    return stdout
  }

  beforeAll(async () => {
    running = await startServer()
    kubeconfig = await running.kubeconfigFor('admin', ['system:masters'])
    expect(await ok(`create ns ${namespace}`)).toBe(`namespace/${namespace} created\n`)
    await ok('create sa default')
  })
  afterAll(async () => {
    expect(running.errors).toEqual([])
    await running[Symbol.asyncDispose]()
  })

  test('tells both versions', async () => {
    expect(await ok('version')).toMatch(/Server Version: .*v1\.36\.0\+holdfast/)
  })

  test('applies a set twice, the second time without a change', async () => {
    const input = statefulSet('web')
    expect(await ok('apply -f -', { input })).toBe('service/web created\nstatefulset.apps/web created\n')
    expect(await ok('apply -f -', { input })).toBe('service/web unchanged\nstatefulset.apps/web unchanged\n')
    expect(await ok('get sts web')).toMatch(/^NAME +READY +AGE\nweb +0\/2 +\d+s\n$/)
    expect(await ok('get sts web -o wide')).toMatch(/CONTAINERS +IMAGES\n.* nginx +nginx:1\n$/)
    expect(await ok('get svc web')).toMatch(/ClusterIP +None +<none> +80\/TCP/)
    expect(await ok('scale sts web --replicas=3')).toBe('statefulset.apps/web scaled\n')
    expect(await ok('set image sts/web nginx=nginx:2')).toBe('statefulset.apps/web image updated\n')
    expect(await ok('get sts web -o jsonpath={.spec.replicas}-{.metadata.generation}')).toBe('3-3')
    expect(await ok('describe sts web')).toContain('nginx:2')
    expect(await ok('delete sts web --cascade=orphan --wait=false')).toContain('statefulset.apps "web" deleted')
  })

  test('applies on the server, refuses a conflict and forces it', async () => {
    expect(await ok('apply --server-side -f -', { input: configMap('one') })).toContain(
      'configmap/settings serverside-applied',
    )
    const refused = await run('apply --server-side --field-manager=other -f -', { input: configMap('two') })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.key')
    await ok('apply --server-side --field-manager=other --force-conflicts -f -', { input: configMap('two') })
    expect(await ok('get cm settings -o jsonpath={.data.key}')).toBe('two')
  })

  test('patches in three ways, labels, annotates, edits, replaces and compares', async () => {
    await ok('create cm plain --from-literal=a=1')
    expect(await ok('patch cm plain -p {"data":{"b":"2"}}')).toBe('configmap/plain patched\n')
    await ok('patch cm plain --type merge -p {"data":{"c":"3"}}')
    await ok('patch cm plain --type json -p [{"op":"add","path":"/data/d","value":"4"}]')
    expect(await ok('label cm plain tier=back')).toBe('configmap/plain labeled\n')
    expect(await ok('annotate cm plain note=x')).toMatch(/^configmap\/plain annotated?\n$/)
    expect(await ok('get cm -l tier=back -o name')).toBe('configmap/plain\n')
    expect(await ok('get cm plain -o jsonpath={.data}')).toBe('{"a":"1","b":"2","c":"3","d":"4"}')
    expect(await ok('get cm -o custom-columns=NAME:metadata.name')).toContain('NAME\n')
    expect(await ok('edit cm plain', { env: { EDITOR: 'sed -i s/back/front/' } })).toBe('configmap/plain edited\n')
    expect(await ok('wait --for=jsonpath={.data.a}=1 cm/plain --timeout=5s')).toContain('condition met')
    const diff = await run('diff -f -', { input: configMap('three') })
    expect(diff).toMatchObject({ code: 1, stdout: expect.stringMatching(/^\+ {2}key: three$/m) })
  })

  test('shows what there is and explains it', async () => {
    const resources = await ok('api-resources')
    expect(resources).toMatch(/^statefulsets +sts +apps\/v1 +true +StatefulSet$/m)
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m)
    expect(await ok('api-versions')).toMatch(/^apps\/v1$/m)
    expect(await ok('explain sts.spec.updateStrategy.rollingUpdate')).toMatch(/partition\s+<integer>/)
    expect(await ok('explain pod.spec.containers --recursive')).toMatch(/livenessProbe\s+<Probe>/)
  })

  test('refuses unknown and duplicate fields, or warns of them', async () => {
    const unknown = configMap('x').replace('"data"', '"dat"').replace('settings', 'typo')
    const refused = await run('create -f -', { input: unknown })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('strict decoding error: unknown field "dat"')
    const warned = await run('create --validate=warn -f -', { input: unknown })
    expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining('Warning: unknown field "dat"') })
  })

  test('runs Pods as the default account, within the quota', async () => {
    await ok('run first --image=nginx')
    const account = await ok('get pod first -o jsonpath={.spec.serviceAccountName}/{.spec.volumes[0].name}')
    expect(account).toMatch(/^default\/kube-api-access-[a-z0-9]{5}$/)
    await ok('create quota few --hard=pods=1')
    const refused = await run('run second --image=nginx')
    expect(refused.stderr).toContain(
      'pods "second" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1',
    )
    await ok('delete pod first --force --grace-period=0')
    await ok('delete quota few')
  })

  test('asks and changes who may do what', async () => {
    await ok('create role reader --verb=get --resource=pods')
    await ok('create rolebinding readers --role=reader --user=jane')
    expect(await ok('auth can-i get pods --as jane')).toBe('yes\n')
    expect(await run('auth can-i create pods --as jane')).toMatchObject({ code: 1, stdout: 'no\n' })
    expect(await ok('auth can-i --list --as jane')).toMatch(/^pods +\[\] +\[\] +\[get\]$/m)
    expect(await ok('create token default')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n?$/)
    const jane = await running.kubeconfigFor('jane')
    const refused = await kubectl(path, ['get', 'secrets', '-n', namespace], { kubeconfig: jane, home: running.folder })
    expect(refused.stderr).toBe(
      `Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "${namespace}"\n`,
    )
  })

  test('creates the usual things by their own commands', async () => {
    await ok('create deployment shop --image=nginx --replicas=2')
    await ok('expose deployment shop --port=80')
    await ok('create secret generic keys --from-literal=a=b')
    await ok('create job once --image=busybox')
    await ok('create service nodeport front --tcp=80:8080')
    await ok('create service externalname away --external-name=example.com')
    await ok('create ingress door --rule=a.example/*=shop:80')
    await ok('create pdb kept --selector=app=shop --min-available=0')
    await ok('create priorityclass low --value=0 --global-default=false')
    await ok('create clusterrole viewer --verb=get,list --resource=pods,deployments.apps')
    await ok('autoscale deployment shop --min=1 --max=3 --cpu-percent=50')
    await ok('create secret docker-registry pull --docker-username=a --docker-password=b --docker-server=c')
    expect(await ok('get svc front -o jsonpath={.spec.ports[0].nodePort}')).toMatch(/^3\d{4}$/)
    expect(await ok('get pdb kept -o jsonpath={.spec.minAvailable}')).toBe('0')
    await ok('create cronjob often --image=busybox --schedule=@hourly')
    expect(await ok('get deploy,job,cronjob -o name')).toBe(
      'deployment.apps/shop\njob.batch/once\ncronjob.batch/often\n',
    )
    expect((await run('events')).stderr).toContain('No events found')
    expect(await ok('rollout history deploy shop')).toContain('deployment.apps/shop')
  })

  test('serves a custom resource as soon as it is defined', async () => {
    const input = JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'shelves.library.example' },
      spec: {
        group: 'library.example',
        scope: 'Namespaced',
        names: { plural: 'shelves', singular: 'shelf', kind: 'Shelf', shortNames: ['sf'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'Books', type: 'integer', jsonPath: '.spec.books' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { type: 'object', properties: { books: { type: 'integer', description: 'How many.' } } },
                },
              },
            },
          },
        ],
      },
    })
    await ok('apply -f -', { input })
    const shelf = JSON.stringify({
      apiVersion: 'library.example/v1',
      kind: 'Shelf',
      metadata: { name: 'one' },
      spec: { books: 3 },
    })
    await expect.poll(async () => (await run('apply -f -', { input: shelf })).code, { timeout: 5000 }).toBe(0)
    expect(await ok('get sf')).toMatch(/^NAME +BOOKS\none +3\n$/)
    expect(await ok('explain shelf.spec.books')).toContain('How many.')
    expect(await ok('api-resources --api-group=library.example')).toMatch(
      /^shelves +sf +library.example\/v1 +true +Shelf$/m,
    )
    await ok('delete crd shelves.library.example --wait=false')
  })

  test('shows changes as they come', async () => {
    const watching = run('get cm -w --request-timeout=4s')
    await ok('create cm fresh --from-literal=a=b')
    await ok('delete cm fresh')
    expect((await watching).stdout).toMatch(/^fresh +1 +\d+s$/m)
  })
})
