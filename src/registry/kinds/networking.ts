import { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '../../api/networking-v1/types.ts'
import { required } from '../../machinery/field-error.ts'
import { defineKind } from '../kind-definition.ts'
import { age, selectorText, text } from '../tables/columns.ts'
import { cidrErrors } from './field-rules.ts'
import { ingressErrors, networkPolicyErrors } from './networking-validation.ts'
import { immutable } from './workload-validation.ts'

export const ingresses = defineKind(Ingress, {
  hasGeneration: true,
  validate: ingressErrors,
  columns: [
    text('Class', ({ spec }) => spec?.ingressClassName ?? '<none>'),
    text('Hosts', ({ spec }) => {
      const hosts = (spec?.rules ?? []).flatMap(({ host }) => (host ? [host] : []))
      return hosts.length === 0 ? '*' : hosts.join(',')
    }),
    text('Address', ({ status }) =>
      (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').join(','),
    ),
    text('Ports', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
    age,
  ],
})

export const ingressClasses = defineKind(IngressClass, {
  hasGeneration: true,
  validate: ({ spec }) => (spec?.controller ? [] : [required('spec.controller')]),
  validateUpdate: ({ spec }, old) => immutable(spec?.controller, old.spec?.controller, 'spec.controller'),
  columns: [
    text('Controller', ({ spec }) => spec?.controller ?? ''),
    text('Parameters', ({ spec }) => {
      const parameters = spec?.parameters
      if (!parameters) return '<none>'
      return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}`
    }),
    age,
  ],
})

export const networkPolicies = defineKind(NetworkPolicy, {
  hasGeneration: true,
  defaults({ spec }) {
    if (!spec) return
    spec.podSelector ??= {}
    spec.policyTypes ??= spec.egress ? ['Ingress', 'Egress'] : ['Ingress']
    for (const port of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap(({ ports = [] }) => ports)) {
      port.protocol ??= 'TCP'
    }
  },
  validate: networkPolicyErrors,
  columns: [text('Pod-Selector', ({ spec }) => selectorText(spec?.podSelector)), age],
})

export const ipAddresses = defineKind(IPAddress, {
  hasGeneration: true,
  validate: ({ spec }) => (spec?.parentRef ? [] : [required('spec.parentRef')]),
  columns: [
    text('ParentRef', ({ spec }) => {
      const { group, resource, namespace, name } = spec?.parentRef ?? { resource: '', name: '' }
      return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/')
    }),
    age,
  ],
})

export const serviceRanges = defineKind(ServiceCIDR, {
  hasGeneration: true,
  validate: ({ spec }) =>
    spec?.cidrs?.length
      ? spec.cidrs.flatMap((range, index) => cidrErrors(range, `spec.cidrs[${index}]`))
      : [required('spec.cidrs', 'at least one CIDR required')],
  validateUpdate: ({ spec }, old) => immutable(spec?.cidrs, old.spec?.cidrs, 'spec.cidrs'),
  columns: [text('CIDRs', ({ spec }) => (spec?.cidrs ?? []).join(',')), age],
})
