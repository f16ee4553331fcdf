import type { PolicyRule } from '../../api/rbac-v1/types.ts'
import type { Attributes, ResourceAttributes } from './authorizer.ts'

/** Whether one rule of a role allows this. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false
  if (!attributes.isResource) return (rule.nonResourceURLs ?? []).some(pattern => urlMatches(pattern, attributes.path))
  return (
    has(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources ?? [], attributes) &&
    nameMatches(rule.resourceNames, attributes.name)
  )
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list?.some(entry => entry === '*' || entry === value) ?? false

const nameMatches = (names: readonly string[] | undefined, name: string): boolean =>
  !names || names.length === 0 || names.includes(name)

/** `pods`, `pods/log`, `*`, and `* /scale` (without the space) for a subresource of everything. */
function resourceMatches(
  resources: readonly string[],
  { resource, subresource }: Pick<ResourceAttributes, 'resource' | 'subresource'>,
): boolean {
  const full = subresource ? `${resource}/${subresource}` : resource
  return resources.some(
    entry => entry === '*' || entry === full || (subresource !== '' && entry === `*/${subresource}`),
  )
}

/** A pattern may end with a star. */
const urlMatches = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))

/** Those of `wanted` that `owned` does not cover, each taken apart into single permissions first. */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(singleRules).filter(rule => !owned.some(owner => covers(owner, rule)))
}

function singleRules(rule: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames && rule.resourceNames.length > 0 ? rule.resourceNames : [undefined]
  const resources = rule.verbs.flatMap(verb =>
    (rule.apiGroups ?? []).flatMap(group =>
      (rule.resources ?? []).flatMap(resource =>
        names.map(name => ({
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          ...(name && { resourceNames: [name] }),
        })),
      ),
    ),
  )
  const urls = rule.verbs.flatMap(verb =>
    (rule.nonResourceURLs ?? []).map(url => ({ verbs: [verb], nonResourceURLs: [url] })),
  )
  return [...resources, ...urls]
}

/** Whether `owner` holds all of `single`, which names one of each. */
function covers(owner: PolicyRule, single: PolicyRule): boolean {
  if (!has(owner.verbs, single.verbs[0]!)) return false
  const [url] = single.nonResourceURLs ?? []
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some(pattern => urlMatches(pattern, url))
  const [resource = '', subresource = ''] = single.resources![0]!.split('/')
  const ownerNames = owner.resourceNames ?? []
  const [name] = single.resourceNames ?? []
  return (
    has(owner.apiGroups, single.apiGroups![0]!) &&
    resourceMatches(owner.resources ?? [], { resource, subresource }) &&
    (ownerNames.length === 0 || (name !== undefined && ownerNames.includes(name)))
  )
}

/** A rule as refusals print it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function ruleText({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['ResourceNames', resourceNames],
    ['NonResourceURLs', nonResourceURLs],
    ['Verbs', verbs],
  ]
  const shown = parts.flatMap(([name, values]) =>
    values && values.length > 0 ? [`${name}:[${values.map(value => JSON.stringify(value)).join(' ')}]`] : [],
  )
  return `{${shown.join(', ')}}`
}

/** Single permissions put together again where only their verbs differ, for shorter messages. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const key = ruleText({ ...rule, verbs: [] })
    const known = byTarget.get(key)
    byTarget.set(key, known ? { ...known, verbs: [...known.verbs, ...rule.verbs] } : rule)
  }
  return [...byTarget.values()]
}
