import type { Clock } from '../../machinery/clock.ts'
import { CriRuntime } from '../cri/cri-runtime.ts'
import { CriChannel } from '../cri/grpc-channel.ts'
import type { MachineDoors } from '../doors.ts'
import { ImageStore } from '../images/image-store.ts'
import { PAUSE_IMAGE, pauseArchiveFor } from '../images/pause-image.ts'
import { localDisk } from './local-disk.ts'
import { LogDirectory } from './log-directory.ts'
import { networkProbes } from './network-probes.ts'
import { podCgroups } from './pod-cgroups.ts'
import { type ProcInfoOptions, procInfo } from './proc-info.ts'

export interface LocalMachineOptions extends ProcInfoOptions {
  /** The Unix socket of containerd, ours or the one of `--cri-endpoint`. */
  readonly criEndpoint: string
  readonly clock: Clock
  /** Below it the cgroups of Pods are made. Default `/kubepods`; several machines on one need one each. */
  readonly cgroupRoot?: string
}

export interface LocalMachine extends Disposable {
  readonly doors: MachineDoors
  readonly images: ImageStore
}

/** The doors of the machine that this process runs on. The runtime must be up; its sandbox image is brought in if missing. */
export async function localMachine({
  criEndpoint,
  clock,
  cgroupRoot = '/kubepods',
  ...rest
}: LocalMachineOptions): Promise<LocalMachine> {
  const channel = new CriChannel(criEndpoint)
  const runtime = new CriRuntime({ channel, clock, disk: localDisk })
  const images = new ImageStore({ endpoint: criEndpoint, runtime })
  const machine = procInfo(rest)
  if (!(await runtime.findImage(PAUSE_IMAGE))) {
    const { architecture } = await machine.facts()
    await images.loadArchive(pauseArchiveFor(architecture))
  }
  const doors: MachineDoors = {
    runtime,
    disk: localDisk,
    logs: new LogDirectory(clock),
    probes: networkProbes,
    machine,
    cgroups: await podCgroups({ root: cgroupRoot }),
  }
  return { doors, images, [Symbol.dispose]: () => channel[Symbol.dispose]() }
}
