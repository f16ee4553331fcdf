import type { Container, PodSpec, SecurityContext, Volume } from '../../../api/core-v1/types.ts'

/** One rule of a level. Answers with what is wrong, in upstream's words; undefined when nothing is. */
export type Check = (pod: CheckedPod) => string | undefined

export interface CheckedPod {
  readonly spec: PodSpec
  readonly annotations: { readonly [key: string]: string }
}

const containersOf = ({ spec }: CheckedPod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...((spec.ephemeralContainers ?? []) as readonly Container[]),
]
const quoted = (names: readonly string[]): string => names.map(name => JSON.stringify(name)).join(', ')
const plural = (names: readonly unknown[], one: string, many = `${one}s`): string => (names.length === 1 ? one : many)

/** `container "a" must …` or `containers "a", "b" must …` about those that break a rule. */
function breaking(
  pod: CheckedPod,
  isBroken: (context: SecurityContext, container: Container) => boolean,
): string | undefined {
  const names = containersOf(pod)
    .filter(container => isBroken(container.securityContext ?? {}, container))
    .map(({ name }) => name)
  return names.length > 0 ? `${plural(names, 'container')} ${quoted(names)}` : undefined
}

const hostNamespaces: Check = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(name => spec[name]).map(name => `${name}=true`)
  return shared.length > 0 ? `host namespaces (${shared.join(', ')})` : undefined
}

const privileged: Check = pod => {
  const who = breaking(pod, ({ privileged: isPrivileged }) => isPrivileged === true)
  return who && `privileged (${who} must not set securityContext.privileged=true)`
}

const BASELINE_CAPABILITIES: ReadonlySet<string> = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
)

const capabilities: Check = pod => {
  const extra = new Set<string>()
  const who = breaking(pod, context => {
    const added = (context.capabilities?.add ?? []).filter(name => !BASELINE_CAPABILITIES.has(name))
    for (const name of added) extra.add(name)
    return added.length > 0
  })
  return (
    who &&
    `non-default capabilities (${who} must not include ${quoted([...extra].sort())} in securityContext.capabilities.add)`
  )
}

const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(volume => volume.hostPath).map(({ name }) => name)
  return names.length > 0 ? `hostPath volumes (${plural(names, 'volume')} ${quoted(names)})` : undefined
}

const hostPorts: Check = pod => {
  const ports = new Set<number>()
  const who = breaking(pod, (_, container) => {
    const own = (container.ports ?? []).map(({ hostPort }) => hostPort ?? 0).filter(port => port > 0)
    for (const port of own) ports.add(port)
    return own.length > 0
  })
  if (!who) return undefined
  const verb = who.startsWith('containers') ? 'use' : 'uses'
  return `hostPort (${who} ${verb} ${plural([...ports], 'hostPort')} ${[...ports].sort((a, b) => a - b).join(', ')})`
}

const APP_ARMOR = /^container\.apparmor\.security\.beta\.kubernetes\.io\//
const appArmor: Check = pod => {
  const isBad = (type: string | undefined): boolean => type === 'Unconfined'
  const bad = Object.entries(pod.annotations).filter(([key, value]) => APP_ARMOR.test(key) && value === 'unconfined')
  const who = breaking(pod, ({ appArmorProfile }) => isBad(appArmorProfile?.type))
  const setters = [
    ...(isBad(pod.spec.securityContext?.appArmorProfile?.type) ? ['pod'] : []),
    ...(who ? [who] : []),
    ...bad.map(([key]) => `annotation ${JSON.stringify(key)}`),
  ]
  return setters.length > 0
    ? `forbidden AppArmor profile (${setters.join(' and ')} must not set AppArmor profile type to "Unconfined")`
    : undefined
}

const SELINUX_TYPES: ReadonlySet<string> = new Set([
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
])
const seLinux: Check = pod => {
  const isBad = (options: { type?: string; user?: string; role?: string } | undefined): boolean =>
    !SELINUX_TYPES.has(options?.type ?? '') || Boolean(options?.user) || Boolean(options?.role)
  const who = breaking(pod, ({ seLinuxOptions }) => isBad(seLinuxOptions))
  const setters = [...(isBad(pod.spec.securityContext?.seLinuxOptions) ? ['pod'] : []), ...(who ? [who] : [])]
  return setters.length > 0
    ? `seLinuxOptions (${setters.join(' and ')} set forbidden securityContext.seLinuxOptions)`
    : undefined
}

const procMount: Check = pod => {
  const who = breaking(pod, context => context.procMount !== undefined && context.procMount !== 'Default')
  return who && `procMount (${who} must not set securityContext.procMount to "Unmasked")`
}

const seccompBaseline: Check = pod => {
  const who = breaking(pod, ({ seccompProfile }) => seccompProfile?.type === 'Unconfined')
  const setters = [
    ...(pod.spec.securityContext?.seccompProfile?.type === 'Unconfined' ? ['pod'] : []),
    ...(who ? [who] : []),
  ]
  return setters.length > 0
    ? `seccompProfile (${setters.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined")`
    : undefined
}

const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
])
const sysctls: Check = ({ spec }) => {
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter(name => !SAFE_SYSCTLS.has(name))
  return bad.length > 0 ? `forbidden sysctls (${bad.join(', ')})` : undefined
}

const RESTRICTED_VOLUMES: ReadonlySet<string> = new Set(
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' '),
)
const volumeTypeOf = (volume: Volume): string =>
  Object.keys(volume).find(key => key !== 'name' && volume[key as keyof Volume] !== undefined) ?? 'emptyDir'
const volumeTypes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(volume => !RESTRICTED_VOLUMES.has(volumeTypeOf(volume)))
  if (bad.length === 0) return undefined
  const types = [...new Set(bad.map(volumeTypeOf))].sort()
  const verb = bad.length === 1 ? 'uses' : 'use'
  return `restricted volume types (${plural(bad, 'volume')} ${quoted(bad.map(({ name }) => name))} ${verb} restricted volume ${plural(types, 'type')} ${quoted(types)})`
}

const isWindows = ({ spec }: CheckedPod): boolean => spec.os?.name === 'windows'

const privilegeEscalation: Check = pod => {
  if (isWindows(pod)) return undefined
  const who = breaking(pod, context => context.allowPrivilegeEscalation !== false)
  return who && `allowPrivilegeEscalation != false (${who} must set securityContext.allowPrivilegeEscalation=false)`
}

const dropAll: Check = pod => {
  if (isWindows(pod)) return undefined
  const keeping = breaking(pod, context => !(context.capabilities?.drop ?? []).includes('ALL'))
  const adding = breaking(pod, context => (context.capabilities?.add ?? []).some(name => name !== 'NET_BIND_SERVICE'))
  const parts = [
    ...(keeping ? [`${keeping} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding ? [`${adding} must not include other than "NET_BIND_SERVICE" in securityContext.capabilities.add`] : []),
  ]
  return parts.length > 0 ? `unrestricted capabilities (${parts.join('; ')})` : undefined
}

const runAsNonRoot: Check = pod => {
  const ofPod = pod.spec.securityContext?.runAsNonRoot
  const refusing = breaking(pod, context => context.runAsNonRoot === false)
  if (refusing) return `runAsNonRoot != true (${refusing} must not set securityContext.runAsNonRoot=false)`
  if (ofPod === false) return 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)'
  const who = ofPod ? undefined : breaking(pod, context => context.runAsNonRoot !== true)
  return who && `runAsNonRoot != true (pod or ${who} must set securityContext.runAsNonRoot=true)`
}

const runAsUser: Check = pod => {
  const who = breaking(pod, context => context.runAsUser === 0)
  const setters = [...(pod.spec.securityContext?.runAsUser === 0 ? ['pod'] : []), ...(who ? [who] : [])]
  return setters.length > 0 ? `runAsUser=0 (${setters.join(' and ')} must not set runAsUser=0)` : undefined
}

const isConfined = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost'
const seccompRestricted: Check = pod => {
  if (isWindows(pod)) return undefined
  if (isConfined(pod.spec.securityContext?.seccompProfile?.type)) return seccompBaseline(pod)
  const who = breaking(pod, ({ seccompProfile }) => !isConfined(seccompProfile?.type))
  return (
    who &&
    `seccompProfile (pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
  )
}

export const baselineChecks: readonly Check[] = [
  appArmor,
  capabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  privileged,
  procMount,
  seLinux,
  seccompBaseline,
  sysctls,
]

/** Restricted goes further than baseline; where a rule of its own covers one of baseline's, only its own is told. */
export const restrictedChecks: readonly Check[] = [
  ...baselineChecks.filter(check => check !== capabilities && check !== seccompBaseline),
  privilegeEscalation,
  dropAll,
  volumeTypes,
  runAsNonRoot,
  runAsUser,
  seccompRestricted,
]
