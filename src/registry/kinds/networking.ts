import { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '../../api/networking-v1/types.ts'
import { required } from '../../machinery/field-error.ts'
import { defineKind } from '../kind-definition.ts'
import { age, selectorText, text } from '../tables/columns.ts'
import { oneOf, selectorErrors } from './field-rules.ts'

export const ingresses = defineKind(Ingress, {
  hasGeneration: true,
  validate({ spec }) {
    const isEmpty = !spec?.defaultBackend && !spec?.rules?.length
    return isEmpty
      ? [
          {
            ...required('spec'),
            reason: 'FieldValueInvalid',
            message: 'Invalid value: null: either `defaultBackend` or `rules` must be specified',
          },
        ]
      : []
  },
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
  validate: ({ spec }) => [
    ...selectorErrors(spec?.podSelector, 'spec.podSelector'),
    ...(spec?.policyTypes ?? []).flatMap((type, index) =>
      oneOf(type, { path: `spec.policyTypes[${index}]`, choices: ['Egress', 'Ingress'] }),
    ),
  ],
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
  columns: [text('CIDRs', ({ spec }) => (spec?.cidrs ?? []).join(',')), age],
})
