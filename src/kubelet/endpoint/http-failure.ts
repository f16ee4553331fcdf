/** An answer that says why not, in plain text, as kubelets give it. */
export class HttpFailure extends Error {
  override name = 'HttpFailure'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
