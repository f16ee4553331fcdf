export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object that nobody may change: the server shares objects between caches, watchers and callers. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}
