import type { PowerOff } from '../../cli/machines/machine-drills.ts'
import { unmountBelow } from './clean-machine.ts'
import { machineLayoutOf } from './machine-layout.ts'
import { killMachineProcesses } from './machine-processes.ts'

/** Takes a machine's power away: nothing on it is asked, everything ends, and what lay below /run is lost. */
export const powerOff: PowerOff = async ({ dataDir }) => {
  const { containerdSocket, containerd, run, containerdRoot, kubelet } = machineLayoutOf(dataDir)
  await killMachineProcesses(containerdSocket, containerd)
  for (const folder of [run, containerdRoot, kubelet]) await unmountBelow(folder)
}
