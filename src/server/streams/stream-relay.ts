import type { Exchange } from '../http/exchange.ts'
import type { ResourceRequest } from '../http/request-info.ts'

/** Takes requests that are answered by the machine of a Pod: logs, exec, attach, port-forward, proxies. */
export interface StreamRelay {
  /** Whether this request is for a machine and not for the registry. */
  handles(info: ResourceRequest): boolean
  relay(exchange: Exchange, info: ResourceRequest): Promise<void>
}
