import type { Exchange } from '../http/exchange.ts'
import { sendText } from '../http/reply.ts'

/** One thing that must be right. Undefined when it is, else what is wrong (for the log of whoever asks in detail). */
export interface HealthCheck {
  readonly name: string
  readonly problem: () => string | undefined
}

const ENDPOINTS = ['livez', 'readyz', 'healthz'] as const

/** `/livez`, `/readyz`, `/healthz`, and each check of theirs under its own path. */
export function healthHandler(checks: {
  readonly live: readonly HealthCheck[]
  readonly ready: readonly HealthCheck[]
}) {
  return (exchange: Exchange): boolean => {
    const [, endpoint, name, ...rest] = exchange.path.split('/')
    if (!ENDPOINTS.some(known => known === endpoint) || rest.length > 0) return false
    const all = endpoint === 'readyz' ? [...checks.live, ...checks.ready] : checks.live
    if (name) return answerOne(exchange, all, name)
    answerAll(exchange, endpoint!, all)
    return true
  }
}

function answerOne(exchange: Exchange, checks: readonly HealthCheck[], name: string): boolean {
  const check = checks.find(candidate => candidate.name === name)
  if (!check) return false
  const problem = check.problem()
  sendText(exchange, problem ? `internal server error: ${problem}` : 'ok', problem ? 500 : 200)
  return true
}

function answerAll(exchange: Exchange, endpoint: string, checks: readonly HealthCheck[]): void {
  const excluded = new Set(exchange.query.getAll('exclude'))
  const results = checks.map(({ name, problem }) => ({
    name,
    isExcluded: excluded.has(name),
    isFailed: problem() !== undefined,
  }))
  const isFailed = results.some(result => result.isFailed && !result.isExcluded)
  const lines = results.map(result => {
    if (result.isExcluded) return `[+]${result.name} excluded: ok\n`
    return result.isFailed ? `[-]${result.name} failed: reason withheld\n` : `[+]${result.name} ok\n`
  })
  const isVerbose = isFailed || exchange.query.has('verbose')
  const outcome = `${endpoint} check ${isFailed ? 'failed' : 'passed'}\n`
  sendText(exchange, isVerbose ? `${lines.join('')}${outcome}` : 'ok', isFailed ? 500 : 200)
}
