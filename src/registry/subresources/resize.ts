import type { PodSpec } from '../../api/core-v1/types.ts'
import type { Draft } from '../draft.ts'
import { specFields } from './ephemeral-containers.ts'

/** `pods/resize`: changes what the containers of a running Pod ask for (KEP-1287). */
export const resize = specFields((proposed, next) => {
  const wanted = proposed.spec as unknown as PodSpec
  const spec = next.spec as unknown as Draft<PodSpec>
  for (const kind of ['containers', 'initContainers'] as const) {
    for (const container of spec[kind] ?? []) {
      const change = wanted[kind]?.find(({ name }) => name === container.name)
      if (change?.resources) container.resources = change.resources as Draft<typeof change.resources>
      if (change?.resizePolicy) container.resizePolicy = change.resizePolicy as Draft<typeof change.resizePolicy>
    }
  }
})
