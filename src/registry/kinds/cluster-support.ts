import {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../../api/admissionregistration-v1/types.ts'
import { CertificateSigningRequest } from '../../api/certificates-v1/types.ts'
import { RuntimeClass } from '../../api/node-v1/types.ts'
import { required } from '../../machinery/field-error.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'
import type { KindDefinition } from '../kind-definition.ts'
import { defineKind } from '../kind-definition.ts'
import { specFields } from '../subresources/ephemeral-containers.ts'
import { age, integer, text } from '../tables/columns.ts'
import { wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

export const runtimeClasses = defineKind(RuntimeClass, {
  validate: ({ handler }) =>
    handler ? wellFormed(handler, { path: 'handler', problems: dnsLabelProblems }) : [required('handler')],
  validateUpdate: (next, old) => immutable(next.handler, old.handler, 'handler'),
  columns: [text('Handler', ({ handler }) => handler), age],
})

interface Hook {
  failurePolicy?: string
  matchPolicy?: string
  timeoutSeconds?: number
  namespaceSelector?: object
  objectSelector?: object
  reinvocationPolicy?: string
}

function defaultHook(hook: Hook): void {
  hook.failurePolicy ??= 'Fail'
  hook.matchPolicy ??= 'Equivalent'
  hook.timeoutSeconds ??= 10
  hook.namespaceSelector ??= {}
  hook.objectSelector ??= {}
}

export const mutatingWebhooks = defineKind(MutatingWebhookConfiguration, {
  hasGeneration: true,
  defaults({ webhooks = [] }) {
    for (const hook of webhooks) {
      defaultHook(hook as Hook)
      hook.reinvocationPolicy ??= 'Never'
    }
  },
  columns: [integer('Webhooks', ({ webhooks }) => webhooks?.length), age],
})

export const validatingWebhooks = defineKind(ValidatingWebhookConfiguration, {
  hasGeneration: true,
  defaults({ webhooks = [] }) {
    for (const hook of webhooks) defaultHook(hook as Hook)
  },
  columns: [integer('Webhooks', ({ webhooks }) => webhooks?.length), age],
})

export const admissionPolicies = defineKind(ValidatingAdmissionPolicy, {
  hasGeneration: true,
  columns: [
    integer('Validations', ({ spec }) => spec?.validations?.length),
    text('ParamKind', ({ spec }) =>
      spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : '<unset>',
    ),
    age,
  ],
})

export const admissionPolicyBindings = defineKind(ValidatingAdmissionPolicyBinding, {
  hasGeneration: true,
  columns: [
    text('PolicyName', ({ spec }) => spec?.policyName ?? ''),
    text('ParamRef', ({ spec }) =>
      spec?.paramRef ? [spec.paramRef.namespace, spec.paramRef.name].filter(Boolean).join('/') : '<unset>',
    ),
    age,
  ],
})

export const signingRequests = defineKind(CertificateSigningRequest, {
  selectableFields: { 'spec.signerName': ({ spec }) => spec?.signerName },
  prepareForCreate(request, { user }) {
    const { name, uid, groups, extra } = user // Approvers decide by who asks, so nobody says that of himself.
    const asker = {
      username: name,
      groups: [...groups],
      ...(uid && { uid }),
      ...(extra && { extra: structuredClone(extra) }),
    }
    request.spec = { ...request.spec, ...asker } as typeof request.spec
  },
  prepareForUpdate(request, old) {
    // What was signed for cannot be changed afterwards.
    request.spec = structuredClone(old.spec) as typeof request.spec
  },
  subresources: {
    approval: specFields((proposed, next) => {
      const { conditions } = (proposed.status ?? {}) as { conditions?: object }
      next.status = { ...(next.status as object), ...(conditions && { conditions }) } as typeof next.status
    }),
  },
  columns: [
    age,
    text('SignerName', ({ spec }) => spec?.signerName ?? '<none>'),
    text('Requestor', ({ spec }) => spec?.username ?? ''),
    text('RequestedDuration', ({ spec }) => (spec?.expirationSeconds ? `${spec.expirationSeconds}s` : '<none>')),
    text('Condition', ({ status }) => {
      const types = (status?.conditions ?? []).map(({ type }) => type)
      const words = types.length === 0 ? ['Pending'] : types.map(type => type)
      if (status?.certificate) words.push('Issued')
      return words.join(',')
    }),
  ],
})

export const apiServices: KindDefinition = {
  group: 'apiregistration.k8s.io',
  plural: 'apiservices',
  differences: {
    columns: [
      text('Service', ({ spec }) => {
        const service = (spec as { service?: { namespace: string; name: string } } | undefined)?.service
        return service ? `${service.namespace}/${service.name}` : 'Local'
      }),
      text('Available', ({ status }) => {
        const conditions = (
          status as { conditions?: readonly { type: string; status: string; reason?: string }[] } | undefined
        )?.conditions
        const available = conditions?.find(({ type }) => type === 'Available')
        if (!available) return 'Unknown'
        return available.status === 'True' ? 'True' : `${available.status} (${available.reason})`
      }),
      { name: 'Age', type: 'string', cell: (object, now) => age.cell(object as never, now) },
    ],
  },
}

/** Kinds whose only difference is that their generation counts. */
export const countedKinds: readonly KindDefinition[] = [
  ['admissionregistration.k8s.io', 'mutatingadmissionpolicies'],
  ['admissionregistration.k8s.io', 'mutatingadmissionpolicybindings'],
].map(([group, plural]) => ({ group: group!, plural: plural!, differences: { hasGeneration: true } }))
