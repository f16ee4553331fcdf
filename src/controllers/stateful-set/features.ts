/** What the API calls feature gates, as far as StatefulSets know them. */
export interface StatefulSetFeatures {
  /** `rollingUpdate.maxUnavailable` counts (on since 1.37). Off: one Pod at a time. */
  readonly maxUnavailable: boolean
  /** The update strategy `Recreate` (alpha in 1.37). Off: such a set is handled like RollingUpdate. */
  readonly recreate: boolean
}

export const defaultFeatures: StatefulSetFeatures = { maxUnavailable: true, recreate: false }

/** By the names that the API server knows them under. */
export const featuresFrom = (gates: Readonly<Record<string, boolean>>): StatefulSetFeatures => ({
  maxUnavailable: gates.MaxUnavailableStatefulSet ?? defaultFeatures.maxUnavailable,
  recreate: gates.StatefulSetRecreateStrategy ?? defaultFeatures.recreate,
})
