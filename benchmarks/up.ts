/**
 * `node benchmarks/up.ts [--runs N]`, as root, with no other cluster on this machine: how long `holdfast up` takes from nothing to a
 * ready machine and to a first Pod that answers by its DNS name, what it weighs when idle, and how long `down` takes. Uses the
 * bundle (`node scripts/build.ts`), as an installed package does.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImage } from '../scripts/images/build-images.ts'
import { RECIPES } from '../scripts/images/recipes.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' } } })
const work = mkdtempSync(join(tmpdir(), 'holdfast-up-'))
const environment = { ...process.env, HOME: work, KUBECONFIG: '', CI: 'true' }

const POD = `
apiVersion: v1
kind: Service
metadata: { name: first }
spec: { selector: { app: first }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: first, labels: { app: first } }
spec: { terminationGracePeriodSeconds: 0, containers: [{ name: web, image: "nginx:1.19.2-alpine", imagePullPolicy: Never }] }
`

function installedPackage(): string {
  execFileSync(process.execPath, ['scripts/build.ts'], {
    cwd: root,
    stdio: 'ignore',
    env: { ...process.env, PATH: `${root}/node_modules/.bin:${process.env.PATH}` },
  })
  const folder = join(work, 'package')
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin/holdfast.js')
}

function seconds(act: () => void): number {
  const startedMs = performance.now()
  act()
  return (performance.now() - startedMs) / 1000
}

function residentMiB(dataDir: string): number {
  const { pid } = JSON.parse(readFileSync(join(dataDir, 'run/server.json'), 'utf8')) as { pid: number }
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

const command = installedPackage()
const image = join(work, 'nginx.tar')
writeFileSync(image, buildImage(RECIPES.find(({ id }) => id === 'nginx')!))
const holdfast = (...args: string[]): void =>
  void execFileSync(process.execPath, [command, ...args], { env: environment, stdio: 'ignore' })
const answers = (): boolean => {
  const address = execFileSync(
    'dig',
    ['+short', '+time=1', '+tries=1', '@10.96.0.10', 'first.default.svc.cluster.local'],
    { encoding: 'utf8' },
  ).trim()
  return (
    /^[\d.]+$/.test(address) &&
    spawnSync('curl', ['-s', '-m', '1', '-o', '/dev/null', `http://${address}/`]).status === 0
  )
}

try {
  for (let run = 1; run <= Number(values.runs); run++) {
    const dataDir = join(work, `data-${run}`)
    const upSeconds = seconds(() => holdfast('up', '--data-dir', dataDir, '--port', '16443'))
    holdfast('image', 'load', image, '--data-dir', dataDir)
    const podSeconds = seconds(() => {
      execFileSync('kubectl', ['apply', '-f', '-'], {
        env: { ...environment, KUBECONFIG: join(dataDir, 'admin.kubeconfig') },
        input: POD,
      })
      while (!answers());
    })
    const idle = residentMiB(dataDir)
    const downSeconds = seconds(() => holdfast('down', '--purge', '--data-dir', dataDir))
    const [up, pod, down] = [upSeconds, podSeconds, downSeconds].map(value => `${value.toFixed(2)} s`)
    console.log(
      `run ${run}: machine ready ${up}; then first Pod by its name ${pod}; resident ${idle.toFixed(0)} MiB; down --purge ${down}`,
    )
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
