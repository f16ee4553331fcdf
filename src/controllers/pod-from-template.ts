import type { Pod, PodTemplateSpec } from '../api/core-v1/types.ts'
import type { KubernetesObject, Unsaved } from '../api/kind.ts'
import { controllerReferenceTo } from '../machinery/object.ts'
import { type Random, suffixFrom } from '../machinery/random.ts'
import type { Labels } from '../machinery/selectors.ts'

/** What the server leaves of a prefix, so that the whole stays a host name. */
const PREFIX_MAX = 58

/** A Pod that the owner controls, under a name chosen here so that a create of unknown outcome can be looked up. */
export function podFromTemplate(
  owner: KubernetesObject,
  {
    template,
    random,
    labels,
  }: { readonly template: PodTemplateSpec; readonly random: Random; readonly labels?: Labels },
): Unsaved<Pod> {
  const { name, namespace } = owner.metadata
  const { labels: templateLabels, annotations, finalizers } = template.metadata ?? {}
  const generateName = `${name}-`
  return {
    metadata: {
      generateName,
      name: generateName.slice(0, PREFIX_MAX) + suffixFrom(random),
      namespace: namespace!,
      labels: { ...templateLabels, ...labels },
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReferenceTo(owner)],
    },
    spec: template.spec!,
  }
}
