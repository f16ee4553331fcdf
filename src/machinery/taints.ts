import type { Taint, Toleration } from '../api/core-v1/types.ts'

/** Effects that keep a Pod from being placed; `PreferNoSchedule` only makes a machine less liked. */
const REPELLING_EFFECTS: readonly Taint['effect'][] = ['NoSchedule', 'NoExecute']

/** Whether one toleration covers one taint ("Taints and Tolerations"). */
export function tolerates({ key = '', operator = 'Equal', effect, value = '' }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  switch (operator) {
    case 'Exists':
      return true
    case 'Equal':
      return key !== '' && value === (taint.value ?? '')
    case 'Gt':
      return comparable(taint.value, value) && BigInt(taint.value!) > BigInt(value)
    case 'Lt':
      return comparable(taint.value, value) && BigInt(taint.value!) < BigInt(value)
  }
}

const comparable = (a: string | undefined, b: string): boolean => /^-?\d+$/.test(a ?? '') && /^-?\d+$/.test(b)

/** The first taint with one of the effects that no toleration covers, or undefined. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly Taint['effect'][] = REPELLING_EFFECTS,
): Taint | undefined {
  return taints?.find(
    taint => effects.includes(taint.effect) && !tolerations?.some(toleration => tolerates(toleration, taint)),
  )
}
