import {
  ConfigMap,
  type EndpointSubset,
  Endpoints,
  LimitRange,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '../../api/core-v1/types.ts'
import { type FieldError, forbidden, invalid, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'
import { defineKind } from '../kind-definition.ts'
import { age, integer, text } from '../tables/columns.ts'
import { addressErrors, oneOf, portNumber, wellFormed } from './field-rules.ts'
import { limitRangeErrors, quotaErrors, quotaUpdateErrors } from './limit-validation.ts'
import { immutable } from './workload-validation.ts'

const BYTES_MAX = 1024 * 1024
const KEY = /^[-._a-zA-Z0-9]+$/

const countOf = (...maps: ({ readonly [key: string]: unknown } | undefined)[]): number =>
  maps.reduce((sum, map) => sum + Object.keys(map ?? {}).length, 0)

/** Names of entries, which become names of files. */
function keyErrors(map: { readonly [key: string]: string } | undefined, path: string): readonly FieldError[] {
  return Object.keys(map ?? {}).flatMap(key => {
    const at = `${path}[${key}]`
    if (key.length > 253) return [invalid(at, key, 'must be no more than 253 characters')]
    if (key === '.' || key === '..' || key.startsWith('..'))
      return [invalid(at, key, "must not be '.', '..' or start with '..'")]
    if (KEY.test(key)) return []
    return [
      invalid(
        at,
        key,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ),
    ]
  })
}

function sizeErrors(
  maps: readonly ({ readonly [key: string]: string } | undefined)[],
  path: string,
): readonly FieldError[] {
  let bytes = 0
  for (const map of maps) for (const value of Object.values(map ?? {})) bytes += value.length
  if (bytes <= BYTES_MAX) return []
  return [{ reason: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${BYTES_MAX} bytes` }]
}

interface Sealable {
  readonly immutable?: boolean
  readonly data?: { readonly [key: string]: string }
  readonly binaryData?: { readonly [key: string]: string }
}

/** What was declared immutable stays so, and stays as it is. */
function sealErrors(next: Sealable, old: Sealable): readonly FieldError[] {
  if (!old.immutable) return []
  const why = 'field is immutable when `immutable` is set'
  const changed = (['data', 'binaryData'] as const).filter(
    field => immutable(next[field], old[field], field).length > 0,
  )
  return [...(next.immutable ? [] : [forbidden('immutable', why)]), ...changed.map(field => forbidden(field, why))]
}

export const configMaps = defineKind(ConfigMap, {
  validate: ({ data, binaryData }) => [
    ...keyErrors(data, 'data'),
    ...keyErrors(binaryData, 'binaryData'),
    ...Object.keys(data ?? {})
      .filter(key => Object.hasOwn(binaryData ?? {}, key))
      .map(key => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...sizeErrors([data, binaryData], ''),
  ],
  validateUpdate: sealErrors,
  columns: [integer('Data', ({ data, binaryData }) => countOf(data, binaryData)), age],
})

const REQUIRED_KEYS: { readonly [type: string]: readonly string[] } = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

export const secrets = defineKind(Secret, {
  defaults(secret) {
    secret.type ||= 'Opaque'
    if (!secret.stringData) return
    secret.data ??= {}
    for (const [key, value] of Object.entries(secret.stringData))
      secret.data[key] = Buffer.from(value).toString('base64')
    delete secret.stringData
  },
  validate: ({ data, type = '' }) => [
    ...keyErrors(data, 'data'),
    ...sizeErrors([data], 'data'),
    ...(REQUIRED_KEYS[type] ?? [])
      .filter(key => data?.[key] === undefined)
      .map((key): FieldError => ({ reason: 'FieldValueRequired', field: `data[${key}]`, message: 'Required value' })),
  ],
  validateUpdate: (next, old) => [...immutable(next.type, old.type, 'type'), ...sealErrors(next, old)],
  selectableFields: { type: ({ type }) => type },
  columns: [text('Type', ({ type }) => type ?? ''), integer('Data', ({ data }) => countOf(data)), age],
})

export const serviceAccounts = defineKind(ServiceAccount, {
  returnsDeletedObject: true,
  columns: [integer('Secrets', ({ secrets }) => secrets?.length), age],
})

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

function subsetErrors(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  path: string,
): FieldError[] {
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    return [required(path, 'must specify `addresses` or `notReadyAddresses`')]
  }
  const ips = [
    ...addresses.map(({ ip }, index) => ({ ip, at: `${path}.addresses[${index}].ip` })),
    ...notReadyAddresses.map(({ ip }, index) => ({ ip, at: `${path}.notReadyAddresses[${index}].ip` })),
  ]
  return [
    ...ips.flatMap(({ ip, at }) => addressErrors(ip, at)),
    ...ports.flatMap(({ name, port, protocol }, index) => {
      const at = `${path}.ports[${index}]`
      return [
        ...(ports.length > 1 && !name ? [required(`${at}.name`)] : []),
        ...(name ? wellFormed(name, { path: `${at}.name`, problems: dnsLabelProblems }) : []),
        ...portNumber(port, `${at}.port`),
        ...oneOf(protocol, { path: `${at}.protocol`, choices: PROTOCOLS }),
      ]
    }),
  ]
}

const ENDPOINTS_SHOWN_MAX = 3

export const endpoints = defineKind(Endpoints, {
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  createsOnUpdate: true,
  validate: ({ subsets = [] }) => subsets.flatMap((subset, index) => subsetErrors(subset, `subsets[${index}]`)),
  columns: [
    text('Endpoints', ({ subsets = [] }) => {
      const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
        ports.length === 0
          ? addresses.map(({ ip }) => ip)
          : ports.flatMap(({ port }) =>
              addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
            ),
      )
      if (all.length === 0) return '<none>'
      const more = all.length - ENDPOINTS_SHOWN_MAX
      return `${all.slice(0, ENDPOINTS_SHOWN_MAX).join(',')}${more > 0 ? ` + ${more} more...` : ''}`
    }),
    age,
  ],
})

export const limitRanges = defineKind(LimitRange, {
  createsOnUpdate: true,
  validate: limitRangeErrors,
  defaults({ spec }) {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue
      item.default = { ...item.max, ...item.default }
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
      if (Object.keys(item.default).length === 0) delete item.default
      if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest
    }
  },
  columns: [{ name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp }],
})

export const resourceQuotas = defineKind(ResourceQuota, {
  validate: quotaErrors,
  validateUpdate: quotaUpdateErrors,
  returnsDeletedObject: true,
  columns: [
    text('Request', ({ status }) => quotaText(status, name => !name.startsWith('limits.'))),
    text('Limit', ({ status }) => quotaText(status, name => name.startsWith('limits.'))),
    age,
  ],
})

function quotaText(status: ResourceQuota['status'] | undefined, includes: (name: string) => boolean): string {
  const names = Object.keys(status?.hard ?? {})
    .filter(includes)
    .sort()
  return names.map(name => `${name}: ${status?.used?.[name] ?? 0}/${status?.hard?.[name]}`).join(', ')
}
