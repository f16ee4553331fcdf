import type { ApiCall } from '../../machinery/api-call.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { CallContext } from '../../registry/resource.ts'

/** A resource or subresource that is answered here and never stored: reviews, tokens. */
export type VirtualResource = (call: ApiCall, context: CallContext) => JsonObject | Promise<JsonObject>

/** By `group/version/resource` or `group/version/resource/subresource`. */
export type VirtualResources = ReadonlyMap<string, VirtualResource>

export const virtualKey = ({ group, version, resource, subresource }: ApiCall): string =>
  subresource ? `${group}/${version}/${resource}/${subresource}` : `${group}/${version}/${resource}`
