import type { ApiCall } from '../../machinery/api-call.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { FeatureGate } from '../../machinery/feature-gates.ts'
import type { Logger } from '../../machinery/logger.ts'
import type { Random } from '../../machinery/random.ts'
import type { Store } from '../../store/store.ts'
import type { StoreMirror } from '../cache/store-mirror.ts'
import type { RuleContext } from '../kind-definition.ts'
import type { AdmissionPlugin, CallContext } from '../resource.ts'
import type { ServedKind } from '../served-kind.ts'

/** What a write needs besides its kind. */
export interface WriteEnvironment {
  readonly store: Store
  readonly mirror: StoreMirror
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly admission: readonly AdmissionPlugin[]
  readonly isEnabled: (featureGate: FeatureGate) => boolean
  /** Another kind that is served, for the few rules that look at one. */
  findKind(group: string, plural: string): ServedKind | undefined
}

/** One write under way. */
export interface WriteScope {
  readonly kind: ServedKind
  readonly call: ApiCall
  readonly context: CallContext
  readonly environment: WriteEnvironment
}

export const isDryRun = ({ call }: WriteScope): boolean => call.options?.dryRun === true

export const rulesOf = ({ environment, call, context }: WriteScope): RuleContext => ({
  now: environment.clock.now(),
  ...(call.subresource && { subresource: call.subresource }),
  user: context.user,
  isEnabled: environment.isEnabled,
})
