import { type FeatureGates, isFeatureEnabled } from '../../machinery/feature-gates.ts'

/** What the API calls feature gates, as far as StatefulSets know them. */
export interface StatefulSetFeatures {
  /** `rollingUpdate.maxUnavailable` counts (on since 1.37). Off: one Pod at a time. */
  readonly maxUnavailable: boolean
  /** The update strategy `Recreate` (alpha in 1.37). Off: such a set is handled like RollingUpdate. */
  readonly recreate: boolean
}

/** By the names that the API server knows them under. */
export const featuresFrom = (gates: FeatureGates): StatefulSetFeatures => ({
  maxUnavailable: isFeatureEnabled(gates, 'MaxUnavailableStatefulSet'),
  recreate: isFeatureEnabled(gates, 'StatefulSetRecreateStrategy'),
})

export const defaultFeatures: StatefulSetFeatures = featuresFrom({})
