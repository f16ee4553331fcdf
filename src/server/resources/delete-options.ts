import type { ApiCall } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { badRequest } from '../../machinery/status.ts'
import { wholeNumber } from '../http/call-options.ts'
import { isTrue } from '../http/request-info.ts'

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** DeleteOptions travel in the body; the dry run that they may ask for counts like the query parameter. */
export function effectiveDeleteBody(call: ApiCall): ApiCall {
  const { body } = call
  if (body === undefined || body === null) return call
  if (!isObject(body)) throw badRequest('the body of a delete must be a DeleteOptions object')
  if (!Array.isArray(body.dryRun) || !body.dryRun.includes('All')) return call
  return { ...call, options: { ...call.options, dryRun: true } }
}

/** Adds what older clients put into the query instead. */
export function deleteBodyWith(body: JsonValue | undefined, query: URLSearchParams): JsonValue | undefined {
  const grace = query.get('gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  const orphan = query.get('orphanDependents')
  if (grace === null && policy === null && orphan === null) return body
  if (body !== undefined && !isObject(body)) throw badRequest('the body of a delete must be a DeleteOptions object')
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(grace !== null && { gracePeriodSeconds: wholeNumber('gracePeriodSeconds', grace) }),
    ...(policy !== null && { propagationPolicy: policy }),
    ...(orphan !== null && { orphanDependents: isTrue(orphan) }),
    ...body,
  }
}
