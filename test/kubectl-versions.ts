import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** kubectl as found on the PATH, and the versions that lie beside it, oldest first. */
export function kubectlVersions(): readonly string[] {
  const path = (process.env.PATH ?? '')
    .split(':')
    .map(folder => join(folder, 'kubectl'))
    .find(existsSync)
  if (!path) return []
  const folder = dirname(realpathSync(path))
  const beside = ['1.27', '1.28', '1.29', '1.30', '1.31', '1.33'].map(version => join(folder, `kubectl.${version}`))
  return [path, ...beside.filter(existsSync)]
}
