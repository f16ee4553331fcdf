import type { Registry as MetricsRegistry } from 'prom-client'
import type { DocumentHandler } from './document.ts'

/** `/metrics` in the text format of Prometheus. */
export const metricsHandler =
  (metrics: MetricsRegistry): DocumentHandler =>
  async exchange => {
    if (exchange.path !== '/metrics') return false
    const headers = { 'content-type': metrics.contentType, 'cache-control': 'no-cache, private' }
    exchange.respond({ code: 200, headers }, Buffer.from(await metrics.metrics()))
    return true
  }
