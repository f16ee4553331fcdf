import type { UserInfo } from '../../registry/resource.ts'
import type { Exchange } from '../http/exchange.ts'

/** Answers a GET of one path that is no resource; false when the path is not its own. */
export type DocumentHandler = (exchange: Exchange, user: UserInfo) => Promise<boolean> | boolean
