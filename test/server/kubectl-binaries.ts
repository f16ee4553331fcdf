import { execFileSync } from 'node:child_process'
import { readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A current kubectl and the oldest that must work; with HOLDFAST_KUBECTL_ALL all that lie beside the command's target. */
export function kubectlBinaries(): { version: string; path: string }[] {
  const current = execFileSync('which', ['kubectl'], { encoding: 'utf8' }).trim()
  const folder = dirname(realpathSync(current))
  const versions = readdirSync(folder)
    .map(name => /^kubectl\.(1\.\d+)$/.exec(name)?.[1])
    .filter(version => version !== undefined)
    .filter(version => version === '1.27' || process.env.HOLDFAST_KUBECTL_ALL !== undefined)
  const others = versions.map(version => ({ version, path: join(folder, `kubectl.${version}`) }))
  return [{ version: 'current', path: current }, ...others]
}
