export type StoreOpenErrorCode =
  | 'owned' // another process has it open
  | 'newer-format' // written by a newer version
  | 'unreadable' // no store, or a damaged one

/** A store that cannot be opened. */
export class StoreOpenError extends Error {
  override name = 'StoreOpenError'
  readonly code: StoreOpenErrorCode

  constructor(code: StoreOpenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
