import type { Registry, ResourceInfo } from '../../registry/resource.ts'

/** What is served of one group. The first version is the preferred one. */
export interface Group {
  readonly name: string
  readonly versions: readonly GroupVersion[]
}

export interface GroupVersion {
  readonly version: string
  readonly groupVersion: string
  readonly resources: readonly ResourceInfo[]
}

/** Groups that upstream lists first, in its order; those of custom resources follow by name. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
]

/** Everything that is served now, by group and version. */
export function groupsOf(registry: Registry): readonly Group[] {
  const byGroup = new Map<string, Map<string, ResourceInfo[]>>()
  for (const { info } of registry.resources()) {
    const versions = byGroup.get(info.group) ?? new Map<string, ResourceInfo[]>()
    byGroup.set(info.group, versions)
    versions.set(info.version, [...(versions.get(info.version) ?? []), info])
  }
  return [...byGroup].sort(([a], [b]) => compareGroups(a, b)).map(([name, versions]) => groupOf(name, versions))
}

function groupOf(name: string, versions: ReadonlyMap<string, ResourceInfo[]>): Group {
  return {
    name,
    versions: [...versions]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, resources]) => ({
        version,
        groupVersion: name ? `${name}/${version}` : version,
        resources: resources.sort((a, b) => (a.plural < b.plural ? -1 : 1)),
      })),
  }
}

function compareGroups(a: string, b: string): number {
  const [rankA, rankB] = [GROUP_ORDER.indexOf(a), GROUP_ORDER.indexOf(b)]
  if (rankA >= 0 && rankB >= 0) return rankA - rankB
  if (rankA >= 0 || rankB >= 0) return rankA >= 0 ? -1 : 1
  return a < b ? -1 : 1
}

/** Stable versions before beta before alpha, higher numbers first (CRD documentation, "Version priority"). */
function compareVersions(a: string, b: string): number {
  const [rankA, rankB] = [versionRank(a), versionRank(b)]
  for (const [index, part] of rankA.entries()) {
    if (part !== rankB[index]) return rankB[index]! - part
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function versionRank(version: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return [0, 0, 0, 0]
  const [, major, stage, minor] = match
  const maturity = stage === undefined ? 2 : stage === 'beta' ? 1 : 0
  return [1, maturity, Number(major), Number(minor ?? 0)]
}
