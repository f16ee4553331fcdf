import type { Exchange } from '../http/exchange.ts'
import { sendJson } from '../http/reply.ts'

/** `/version`: what `kubectl version` shows. Holdfast speaks the API of this Kubernetes release. */
export const versionInfo = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.0+holdfast',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const

export async function versionHandler(exchange: Exchange): Promise<boolean> {
  if (exchange.path !== '/version' && exchange.path !== '/version/') return false
  await sendJson(exchange, versionInfo)
  return true
}
