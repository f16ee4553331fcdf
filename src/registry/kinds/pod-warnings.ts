import type { Container, PodSpec, PodTemplateSpec } from '../../api/core-v1/types.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'

/** Advice about a Pod's spec that is accepted, but hardly meant. */
export function podSpecWarnings(spec: PodSpec | undefined, path: string): readonly string[] {
  if (!spec) return []
  const warnings: string[] = []
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    )
  }
  spec.imagePullSecrets?.forEach(({ name }, index) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`)
  })
  for (const group of ['initContainers', 'containers'] as const) {
    spec[group]?.forEach((container, index) => {
      warnings.push(...containerWarnings(container, `${path}.${group}[${index}]`))
    })
  }
  return warnings
}

export const podTemplateWarnings = (template: PodTemplateSpec | undefined): readonly string[] =>
  podSpecWarnings(template?.spec, 'spec.template.spec')

/** A name with dots cannot be a host name as it is. */
export const podNameWarnings = (name: string): readonly string[] => {
  const problems = dnsLabelProblems(name)
  if (problems.length === 0) return []
  return [
    `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ]
}

function containerWarnings({ env = [], ports = [], resources }: Container, path: string): readonly string[] {
  const warnings: string[] = []
  const seen = new Set<string>()
  env.forEach(({ name, value }, index) => {
    if (seen.has(name) && !value?.includes(`$(${name})`)) {
      warnings.push(
        `${path}.env[${index}]: hides previous definition of "${name}", which may be dropped when using apply`,
      )
    }
    seen.add(name)
  })
  ports.forEach((port, index) => {
    const twin = ports.findIndex(
      other => other.containerPort === port.containerPort && other.protocol === port.protocol,
    )
    if (twin < index) warnings.push(`${path}.ports[${index}]: duplicate port definition with ${path}.ports[${twin}]`)
  })
  for (const side of ['limits', 'requests'] as const) {
    const memory = resources?.[side]?.memory
    if (typeof memory === 'string' && memory.endsWith('m')) {
      warnings.push(
        `${path}.resources.${side}[memory]: fractional byte value "${memory}" is invalid, must be an integer`,
      )
    }
  }
  return warnings
}
