import { existsSync } from 'node:fs'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { linksOf } from '../cli/machines/machine-links.ts'
import { nearestTo } from '../cli/nearest.ts'
import { CommandError, tableText } from '../cli/terminal.ts'
import { CriRuntime } from '../kubelet/cri/cri-runtime.ts'
import { CriChannel } from '../kubelet/cri/grpc-channel.ts'
import { ImageStore } from '../kubelet/images/image-store.ts'
import { localDisk } from '../kubelet/machine/local-disk.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { machineLayoutOf } from './machine-side/machine-layout.ts'

interface Which {
  readonly dataDir: string
  readonly node?: string
}

/** `holdfast image load`: brings archives onto the machines. */
export async function loadImages({ files, ...which }: Which & { readonly files: readonly string[] }): Promise<string> {
  const missing = files.find(file => !existsSync(file))
  if (missing) throw new CommandError(`there is no file ${missing}`)
  const lines: string[] = []
  await onMachines(which, async (machine, images) => {
    for (const file of files) for (const name of await images.load(file)) lines.push(`${machine}: loaded ${name}\n`)
  })
  return lines.sort().join('')
}

export async function listImages(which: Which): Promise<string> {
  const rows: string[][] = []
  await onMachines(which, async (machine, images) => {
    for (const { tags, id, sizeBytes } of await images.list()) {
      for (const tag of tags.length > 0 ? tags : ['<none>']) {
        rows.push([machine, tag, id.replace('sha256:', '').slice(0, 12), `${(sizeBytes / 2 ** 20).toFixed(1)} MiB`])
      }
    }
  })
  return tableText(
    ['MACHINE', 'IMAGE', 'ID', 'SIZE'],
    rows.sort((a, b) => a.join().localeCompare(b.join())),
  )
}

export async function removeImages({
  images: references,
  ...which
}: Which & { readonly images: readonly string[] }): Promise<string> {
  const removed: string[] = []
  await onMachines(which, async (machine, images) => {
    for (const reference of references)
      if (await images.remove(reference)) removed.push(`${machine}: removed ${reference}\n`)
  })
  if (removed.length === 0) throw new CommandError(`no machine has ${references.join(' or ')}`)
  return removed.sort().join('')
}

async function onMachines(
  { dataDir, node }: Which,
  act: (machine: string, images: ImageStore) => Promise<void>,
): Promise<void> {
  const layout = dataLayoutOf(dataDir)
  const names = linksOf(layout).map(({ name }) => name)
  const machines =
    names.length > 0
      ? names.map(name => ({ name, data: layout.machine(name) }))
      : [{ name: 'this machine', data: layout.machine('server') }]
  const chosen = node ? machines.filter(({ name }) => name === node) : machines
  if (chosen.length === 0) {
    const near = nearestTo(node!, names)
    throw new CommandError(`there is no machine "${node}" here`, near ? { advice: `Did you mean "${near}"?` } : {})
  }
  await Promise.all(chosen.map(({ name, data }) => onMachine(name, machineLayoutOf(data).containerdSocket, act)))
}

async function onMachine(
  name: string,
  endpoint: string,
  act: (machine: string, images: ImageStore) => Promise<void>,
): Promise<void> {
  if (!existsSync(endpoint)) {
    throw new CommandError(`containerd of ${name} is not running`, { advice: 'Start the cluster with: holdfast up' })
  }
  using channel = new CriChannel(endpoint)
  await act(name, new ImageStore({ endpoint, runtime: new CriRuntime({ channel, clock, disk: localDisk }) }))
}
