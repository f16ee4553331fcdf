import { Counter, Histogram, type Registry } from 'prom-client'

export interface ProxyMetrics {
  /** One transaction with the kernel, from the first event it carries to its end. */
  observeSync(milliseconds: number): void
  countRebuild(): void
  countFailure(): void
}

const none: ProxyMetrics = { observeSync: () => {}, countRebuild: () => {}, countFailure: () => {} }

export function proxyMetrics(registry: Registry | undefined): ProxyMetrics {
  if (!registry) return none
  const registers = [registry]
  const seconds = new Histogram({
    name: 'holdfast_proxy_sync_seconds',
    help: 'From the first event of a change to its rules being in the kernel.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10],
    registers,
  })
  const rebuilds = new Counter({
    name: 'holdfast_proxy_rebuilds_total',
    help: 'Times that the whole table was written.',
    registers,
  })
  const failures = new Counter({
    name: 'holdfast_proxy_failures_total',
    help: 'Transactions that the kernel refused.',
    registers,
  })
  return {
    observeSync: milliseconds => seconds.observe(milliseconds / 1000),
    countRebuild: () => rebuilds.inc(),
    countFailure: () => failures.inc(),
  }
}
