import { Counter, Gauge, Histogram, type Registry as MetricsRegistry } from 'prom-client'
import type { Clock } from '../../machinery/clock.ts'
import type { Filter, Request } from './filter.ts'

/** Bounds of the buckets in seconds, upstream's finer ones left out. */
const DURATION_BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15, 30, 60]
/** Clients choose methods and paths; what they invent beyond this many combinations is counted together. */
const COMBINATIONS_MAX = 2000
const STREAMS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

/** Requests that last as long as the client likes. */
export const isLong = ({ info }: Request): boolean =>
  info.isResource && (info.verb === 'watch' || STREAMS.has(info.subresource))

/** Counts and times every request. */
export function measuring({ metrics, clock }: { metrics: MetricsRegistry; clock: Clock }): Filter {
  const requests = new Counter({
    name: 'apiserver_request_total',
    help: 'Requests answered, by verb, resource and outcome.',
    labelNames: ['verb', 'group', 'resource', 'subresource', 'code'],
    registers: [metrics],
  })
  const durations = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from a request to its answer; watches and streams are not counted.',
    labelNames: ['verb'],
    buckets: DURATION_BUCKETS,
    registers: [metrics],
  })
  const open = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Watches and streams open now.',
    registers: [metrics],
  })
  const labelsOf = boundedLabels()
  return async (request, next) => {
    const labels = labelsOf(request)
    const isLasting = isLong(request)
    const startMs = clock.monotonicMs()
    if (isLasting) open.inc()
    let code: 'success' | 'failure' = 'failure'
    try {
      await next(request)
      code = 'success'
    } finally {
      if (isLasting) open.dec()
      else durations.observe(labels.ofVerb, (clock.monotonicMs() - startMs) / 1000)
      requests.inc(labels[code])
    }
  }
}

/** Made once for all requests of a kind. */
interface Labels {
  readonly ofVerb: { readonly verb: string }
  readonly success: { readonly [label: string]: string }
  readonly failure: { readonly [label: string]: string }
}

const labelsWith = (verb: string, { group = '', resource = '', subresource = '' } = {}): Labels => ({
  ofVerb: { verb },
  success: { verb, group, resource, subresource, code: 'success' },
  failure: { verb, group, resource, subresource, code: 'failure' },
})

const OTHER = labelsWith('other')

function boundedLabels(): (request: Request) => Labels {
  const known = new Map<string, Labels>()
  return ({ info }) => {
    const key = info.isResource ? `${info.verb} ${info.group} ${info.resource} ${info.subresource}` : info.verb
    const labels = known.get(key)
    if (labels) return labels
    if (known.size >= COMBINATIONS_MAX) return OTHER
    const added = info.isResource ? labelsWith(info.verb, info) : labelsWith(info.verb)
    known.set(key, added)
    return added
  }
}
