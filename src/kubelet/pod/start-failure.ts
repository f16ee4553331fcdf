/** Why a container does not run yet, as `state.waiting` shows it. */
export type StartFailureReason =
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'PostStartHookError'
  | 'CrashLoopBackOff'

export class StartFailure extends Error {
  override name = 'StartFailure'
  readonly reason: StartFailureReason
  /** When another try makes sense; absent: after the usual pause. */
  readonly retryAfterMs?: number

  constructor(reason: StartFailureReason, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.reason = reason
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
  }
}
