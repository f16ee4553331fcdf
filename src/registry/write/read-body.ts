import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { badRequest, conflict } from '../../machinery/status.ts'
import type { Draft } from '../draft.ts'
import { DecodeError } from '../schema/decode.ts'
import { apiVersionOf, resourceNameOf, type ServedKind } from '../served-kind.ts'
import type { WriteScope } from './write-environment.ts'

/** An object on its way in: metadata is there, everything else as the kind has it. */
export type IncomingObject = Draft<JsonObject> & { metadata: Draft<JsonObject> }

/** Reads a body as an object of the kind, and reports unknown fields as `fieldValidation` says. Throws 400. */
export function readBody(scope: WriteScope, body: JsonValue | undefined): IncomingObject {
  const { kind } = scope
  if (!isJsonObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.info.kind})`)
  checkType(kind, body)
  const { object, unknownFields } = decoded(kind, body)
  reportUnknownFields(scope, unknownFields)
  object.apiVersion = apiVersionOf(kind.info)
  object.kind = kind.info.kind
  object.metadata ??= {}
  return object as IncomingObject
}

function checkType({ info }: ServedKind, { apiVersion, kind }: JsonObject): void {
  const expected = apiVersionOf(info)
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${textOf(apiVersion)}) does not match the expected API version (${expected})`,
    )
  }
  if (kind !== undefined && kind !== '' && kind !== info.kind) {
    throw badRequest(`${cannotBeHandled(info, textOf(kind))}: the kind in the data does not match the expected kind`)
  }
}

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

const cannotBeHandled = ({ version, kind }: { version: string; kind: string }, sent = kind): string =>
  `${sent} in version "${version}" cannot be handled as a ${kind}`

function decoded(kind: ServedKind, body: JsonObject): { object: Draft<JsonObject>; unknownFields: readonly string[] } {
  try {
    const { object, unknownFields } = kind.reader.read(body)
    return { object: object as Draft<JsonObject>, unknownFields }
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${cannotBeHandled(kind.info)}: ${error.message}`)
    throw error
  }
}

export function reportUnknownFields({ kind, call, context }: WriteScope, unknownFields: readonly string[]): void {
  if (unknownFields.length === 0) return
  const texts = unknownFields.map(field => `unknown field "${field}"`)
  switch (call.options?.fieldValidation) {
    case 'Ignore':
      return
    case 'Strict':
      throw badRequest(`${cannotBeHandled(kind.info)}: strict decoding error: ${texts.join(', ')}`)
    default:
      for (const text of texts) context.warn(text)
  }
}

/** The namespace and name of the path win; a body that says otherwise is refused. */
export function checkPlace({ kind, call }: WriteScope, object: IncomingObject): void {
  const { metadata } = object
  if (!kind.info.namespaced) {
    delete metadata.namespace
  } else if (!metadata.namespace) {
    if (call.namespace) metadata.namespace = call.namespace
  } else if (metadata.namespace !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (call.name === undefined) return
  if (!metadata.name) metadata.name = call.name
  else if (metadata.name !== call.name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${call.name})`)
  }
}

/** A body that names another object's uid, or an older revision, was made for another object. Throws 409. */
export function checkIdentity(kind: ServedKind, object: IncomingObject, current: JsonObject): void {
  const { uid, name } = current.metadata as { readonly uid: string; readonly name: string }
  if (object.metadata.uid && object.metadata.uid !== uid) {
    throw conflict(
      resourceNameOf(kind),
      name,
      `Precondition failed: UID in precondition: ${object.metadata.uid}, UID in object meta: ${uid}`,
    )
  }
}
