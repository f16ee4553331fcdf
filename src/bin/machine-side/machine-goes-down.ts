import type { Commands } from '../../machinery/commands.ts'

/**
 * Whether this process is asked to end because its machine goes down, and not because somebody starts a new version of
 * it: then containers live on.
 */
export async function machineGoesDown(commands: Commands): Promise<boolean> {
  const printed = (command: string, ...args: readonly string[]): Promise<string> =>
    commands.run(command, args).catch(() => '') // Another init runs this machine, or none.
  const [jobs, runLevel] = await Promise.all([printed('systemctl', 'list-jobs', '--no-legend'), printed('runlevel')])
  return /\bshutdown\.target\s+start\b/.test(jobs) || /\s[06]\s*$/.test(runLevel)
}
