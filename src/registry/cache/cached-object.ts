import { invariant } from '../../machinery/invariant.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { Labels } from '../../machinery/selectors.ts'
import type { Revision } from '../../store/store.ts'
import type { Encoded } from '../resource.ts'

const METADATA = Buffer.from('"metadata":{')
const NO_LABELS: Labels = {}

/**
 * One object at one revision, shared by every reader. It starts as stored bytes or as an object, and makes the other
 * form when somebody asks. Stored bytes do not hold `resourceVersion`: it is the revision they were stored at.
 */
export class CachedObject implements Encoded {
  /** The store's key. */
  readonly key: string
  readonly revision: Revision
  #stored: Uint8Array | undefined
  #json: Uint8Array | undefined
  /** What its writer stored, without the revision, for the readers of the first moment. */
  #written: JsonObject | undefined
  /** Held weakly: whoever reads objects keeps them, and the bytes alone cost a fraction of the memory. */
  #object: WeakRef<JsonObject> | undefined
  #labels: Labels | undefined

  constructor(place: { readonly key: string; readonly revision: Revision }, stored: Uint8Array, written?: JsonObject) {
    this.key = place.key
    this.revision = place.revision
    this.#stored = stored
    if (!written) return
    this.#written = written
    this.#labels = labelsOf(written)
  }

  get object(): JsonObject {
    const known = this.#object?.deref()
    if (known) return known
    const object = this.#written ? withResourceVersion(this.#written, this.revision) : parsed(this.json())
    this.#keep(object)
    return object
  }

  #keep(object: JsonObject): void {
    this.#object = new WeakRef(object)
    this.#labels = labelsOf(object)
    this.#written = undefined
  }

  /** From now on who reads the object parses it. Most are never read as objects, and keeping them costs the collector. */
  forgetWritten(): void {
    this.#written = undefined
  }

  /** Its labels, once somebody had the object in hand: few bytes that spare most label selectors the parsing. */
  get knownLabels(): Labels | undefined {
    return this.#labels
  }

  /** Whether reading `object` costs nothing. */
  get isParsed(): boolean {
    return this.#written !== undefined || this.#object?.deref() !== undefined
  }

  peek(): Uint8Array {
    return this.#json ?? this.#stored!
  }

  /** Whether its JSON contains these bytes. */
  contains(bytes: Buffer): boolean {
    const json = this.peek()
    return Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(bytes)
  }

  json(): Uint8Array {
    if (!this.#json) {
      this.#json = spliced(this.#stored!, this.revision)
      this.#stored = undefined
    }
    return this.#json
  }

  /** The same object as of another revision: what a DELETED event carries. */
  at(revision: Revision): CachedObject {
    const { resourceVersion: _, ...metadata } = this.object.metadata as JsonObject
    const object = { ...this.object, metadata }
    const moved = new CachedObject({ key: this.key, revision }, Buffer.from(JSON.stringify(object)))
    moved.#keep(withResourceVersion(object, revision))
    return moved
  }
}

const labelsOf = ({ metadata }: JsonObject): Labels => (metadata as { readonly labels?: Labels }).labels ?? NO_LABELS

const parsed = (json: Uint8Array): JsonObject =>
  JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString())

/** The object as readers get it: `resourceVersion` first among its metadata. */
function withResourceVersion(object: JsonObject, revision: Revision): JsonObject {
  const metadata = { resourceVersion: String(revision), ...(object.metadata as JsonObject) }
  metadata.resourceVersion = String(revision)
  const { apiVersion, kind, metadata: _, ...rest } = object
  return { apiVersion, kind, metadata, ...rest }
}

/** Puts `resourceVersion` into stored JSON without parsing it: canonical objects begin with version, kind, metadata. */
function spliced(stored: Uint8Array, revision: Revision): Uint8Array {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  const at = bytes.indexOf(METADATA)
  invariant(at >= 0, 'a stored object has metadata, for the write pipeline puts it there')
  const middle = at + METADATA.length
  const insertion = Buffer.from(`"resourceVersion":"${revision}",`)
  return Buffer.concat([bytes.subarray(0, middle), insertion, bytes.subarray(middle)])
}

/** Something to answer with that is in no cache: a Status, a Scale, the result of a dry run. */
export function encodedOf(object: JsonObject): Encoded {
  let json: Uint8Array | undefined
  return {
    object,
    json() {
      json ??= Buffer.from(JSON.stringify(object))
      return json
    },
  }
}
