import type { Pod, Volume } from '../../api/core-v1/types.ts'

/** Volumes whose content follows API objects while the Pod runs. */
export const livingVolumesOf = ({ spec }: Pod): readonly Volume[] =>
  (spec.volumes ?? []).filter(
    ({ configMap, secret, downwardAPI, projected }) => configMap ?? secret ?? downwardAPI ?? projected,
  )
