import { expect, test } from 'vitest'
import { CommandFailure, type Commands } from '../../machinery/commands.ts'
import { machineGoesDown } from './machine-goes-down.ts'

const printing = (outputs: Readonly<Record<string, string>>): Commands => ({
  async run(command) {
    const output = outputs[command]
    if (output === undefined) throw new CommandFailure(`${command} is not there`, { stderr: '' })
    return output
  },
  // biome-ignore lint/correctness/useYield: Nothing here goes on printing.
  async *lines() {
    throw new CommandFailure('not asked for', { stderr: '' })
  },
})

test.each([
  ['systemd that reboots', { systemctl: '97 shutdown.target start waiting\n98 reboot.target start waiting\n' }, true],
  ['systemd that restarts one service', { systemctl: '12 holdfast.service restart running\n' }, false],
  ['systemd with nothing to do', { systemctl: '', runlevel: 'N 5\n' }, false],
  ['an init that halts', { runlevel: '5 0\n' }, true],
  ['an init that reboots', { runlevel: '2 6\n' }, true],
  ['no init', {}, false],
])('%s', async (_what, outputs, goesDown) => {
  expect(await machineGoesDown(printing(outputs))).toBe(goesDown)
})
