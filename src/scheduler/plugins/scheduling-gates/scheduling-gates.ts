import type { Plugin } from '../../plugin.ts'

/** A Pod with scheduling gates waits until the last one is taken from it (KEP-3521). */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  admits: ({ pod }) => (pod.spec.schedulingGates ?? []).length === 0,
}
