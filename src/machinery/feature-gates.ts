/** Features that an operator may switch, under the names that Kubernetes has for them. */
export const FEATURE_GATES = {
  /** `rollingUpdate.maxUnavailable` of StatefulSets; on since 1.37. */
  MaxUnavailableStatefulSet: { isOnByDefault: true },
  /** The update strategy `Recreate` of StatefulSets (KEP-3541); alpha in 1.37. */
  StatefulSetRecreateStrategy: { isOnByDefault: false },
} as const satisfies Record<string, { readonly isOnByDefault: boolean }>

export type FeatureGate = keyof typeof FEATURE_GATES

/** Gates that differ from their defaults. */
export type FeatureGates = { readonly [gate in FeatureGate]?: boolean }

export const featureGateNames = Object.keys(FEATURE_GATES) as readonly FeatureGate[]

export const isFeatureGate = (name: string): name is FeatureGate => Object.hasOwn(FEATURE_GATES, name)

export const isFeatureEnabled = (gates: FeatureGates, gate: FeatureGate): boolean =>
  gates[gate] ?? FEATURE_GATES[gate].isOnByDefault

/** From `NAME=true` or `NAME=false`; the last word about a gate counts. What is not of that form is left out. */
export function featureGatesFrom(settings: readonly string[]): FeatureGates {
  const gates: { [gate in FeatureGate]?: boolean } = {}
  for (const setting of settings) {
    const [name = '', value] = setting.split('=')
    if (isFeatureGate(name) && (value === 'true' || value === 'false')) gates[name] = value === 'true'
  }
  return gates
}
