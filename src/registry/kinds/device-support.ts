import {
  type DeviceClaim,
  DeviceClass,
  type DeviceRequest,
  type DeviceSelector,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../../api/resource-v1/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems, dnsSubdomainProblems } from '../../machinery/names.ts'
import { defineKind } from '../kind-definition.ts'
import { duplicates, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

const selectorErrors = (selectors: readonly DeviceSelector[], path: string): readonly FieldError[] =>
  selectors.flatMap(({ cel }, index) => {
    if (!cel) return [required(`${path}[${index}].cel`)]
    return cel.expression ? [] : [required(`${path}[${index}].cel.expression`)]
  })

const classNameErrors = (name: string | undefined, path: string): readonly FieldError[] =>
  name ? wellFormed(name, { path, problems: dnsSubdomainProblems }) : [required(path)]

function countErrors({ allocationMode, count }: { allocationMode?: string; count?: number }, path: string) {
  if (allocationMode === 'All' && count) {
    return [invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'")]
  }
  return count !== undefined && count < 0 ? [invalid(`${path}.count`, count, 'must be greater than zero')] : []
}

function requestErrors({ name, exactly, firstAvailable }: DeviceRequest, path: string): readonly FieldError[] {
  const errors: FieldError[] = name
    ? [...wellFormed(name, { path: `${path}.name`, problems: dnsLabelProblems })]
    : [required(`${path}.name`)]
  const alternatives = firstAvailable ?? []
  if ((exactly === undefined) === (alternatives.length === 0)) {
    const why = 'exactly one of `exactly` or `firstAvailable` is required'
    errors.push(exactly ? invalid(path, '', why) : required(path, why))
  }
  if (exactly) {
    const at = `${path}.exactly`
    errors.push(...classNameErrors(exactly.deviceClassName, `${at}.deviceClassName`), ...countErrors(exactly, at))
    errors.push(...selectorErrors(exactly.selectors ?? [], `${at}.selectors`))
  }
  alternatives.forEach((one, index) => {
    const at = `${path}.firstAvailable[${index}]`
    errors.push(
      ...(one.name
        ? wellFormed(one.name, { path: `${at}.name`, problems: dnsLabelProblems })
        : [required(`${at}.name`)]),
    )
    errors.push(...classNameErrors(one.deviceClassName, `${at}.deviceClassName`), ...countErrors(one, at))
    errors.push(...selectorErrors(one.selectors ?? [], `${at}.selectors`))
  })
  return errors
}

function claimErrors(devices: DeviceClaim | undefined, path: string): readonly FieldError[] {
  const requests = devices?.requests ?? []
  const known = new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map(one => `${name}/${one.name}`)]),
  )
  return [
    ...requests.flatMap((request, index) => requestErrors(request, `${path}.requests[${index}]`)),
    ...duplicates(requests, { nameOf: ({ name }) => name, pathOf: index => `${path}.requests[${index}].name` }),
    ...(['constraints', 'config'] as const).flatMap(field =>
      (devices?.[field] ?? []).flatMap((part, index) =>
        (part.requests ?? []).flatMap((name, at) =>
          known.has(name)
            ? []
            : [
                invalid(
                  `${path}.${field}[${index}].requests[${at}]`,
                  name,
                  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
                ),
              ],
        ),
      ),
    ),
  ]
}

export const resourceClaims = defineKind(ResourceClaim, {
  validate: ({ spec }) => claimErrors(spec?.devices, 'spec.devices'),
  validateUpdate: (next, old) => immutable(next.spec, old.spec, 'spec'),
})

export const resourceClaimTemplates = defineKind(ResourceClaimTemplate, {
  validate: ({ spec }) => claimErrors(spec?.spec?.devices, 'spec.spec.devices'),
  validateUpdate: (next, old) => immutable(next.spec, old.spec, 'spec'),
})

export const deviceClasses = defineKind(DeviceClass, {
  hasGeneration: true,
  validate: ({ spec }) => selectorErrors(spec?.selectors ?? [], 'spec.selectors'),
})

export const resourceSlices = defineKind(ResourceSlice, {
  hasGeneration: true,
  validate({ spec }) {
    const places = [spec?.nodeName, spec?.nodeSelector, spec?.allNodes, spec?.perDeviceNodeSelection].filter(Boolean)
    const why = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
    return [
      ...(spec?.driver
        ? wellFormed(spec.driver, { path: 'spec.driver', problems: dnsSubdomainProblems })
        : [required('spec.driver')]),
      ...(spec?.pool?.name ? [] : [required('spec.pool.name')]),
      ...(places.length === 0 ? [required('spec', why)] : []),
      ...(places.length > 1 ? [invalid('spec', '{}', why)] : []),
      ...duplicates(spec?.devices ?? [], {
        nameOf: ({ name }) => name,
        pathOf: index => `spec.devices[${index}].name`,
      }),
      ...(spec?.devices ?? []).flatMap(({ name }, index) =>
        name
          ? wellFormed(name, { path: `spec.devices[${index}].name`, problems: dnsLabelProblems })
          : [required(`spec.devices[${index}].name`)],
      ),
    ]
  },
  validateUpdate: ({ spec }, old) => [
    ...immutable(spec?.driver, old.spec?.driver, 'spec.driver'),
    ...immutable(spec?.pool?.name, old.spec?.pool?.name, 'spec.pool.name'),
    ...immutable(spec?.nodeName, old.spec?.nodeName, 'spec.nodeName'),
  ],
})
