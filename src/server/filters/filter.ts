import type { UserInfo } from '../../registry/resource.ts'
import type { Exchange } from '../http/exchange.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** A request on its way through the filters; each fills in what it finds out. */
export interface Request {
  readonly exchange: Exchange
  readonly info: RequestInfo
  user: UserInfo
}

/** Looks at a request before the next one does. Answers it by throwing a `StatusError`, or passes it on. */
export type Filter = (request: Request, next: Handler) => Promise<void>
export type Handler = (request: Request) => Promise<void>

/** The filters around a handler, the first one outermost. */
export const filtered = (filters: readonly Filter[], handler: Handler): Handler =>
  filters.reduceRight<Handler>((next, filter) => request => filter(request, next), handler)
