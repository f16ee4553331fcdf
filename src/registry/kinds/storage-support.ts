import type { Quantity } from '../../api/meta-v1/types.ts'
import { CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment } from '../../api/storage-v1/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-error.ts'
import { dnsSubdomainProblems, qualifiedNameProblems } from '../../machinery/names.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { defineKind } from '../kind-definition.ts'
import { age, integer, text } from '../tables/columns.ts'
import { duplicates, NOT_NEGATIVE, notNegative, oneOf, selectorErrors, wellFormed } from './field-rules.ts'
import { immutable } from './workload-validation.ts'

const DRIVER_NAME_LENGTH_MAX = 63
const NODE_ID_LENGTH_MAX = 192
const TOKEN_SECONDS_MIN = 600

/** Names of drivers stand in labels and in names of sockets. */
function driverNameProblems(name: string): readonly string[] {
  const problems = dnsSubdomainProblems(name.toLowerCase())
  return name.length > DRIVER_NAME_LENGTH_MAX
    ? [...problems, `must be no more than ${DRIVER_NAME_LENGTH_MAX} characters`]
    : problems
}

const LIFECYCLES = ['Ephemeral', 'Persistent']

export const csiDrivers = defineKind(CSIDriver, {
  hasGeneration: true,
  nameProblems: driverNameProblems,
  defaults({ spec }) {
    if (!spec) return
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
  },
  validate: ({ spec }) => [
    ...(spec?.volumeLifecycleModes ?? []).flatMap(mode =>
      oneOf(mode, { path: 'spec.volumeLifecycleModes', choices: LIFECYCLES }),
    ),
    ...oneOf(spec?.fsGroupPolicy, { path: 'spec.fsGroupPolicy', choices: ['File', 'None', 'ReadWriteOnceWithFSType'] }),
    ...duplicates(spec?.tokenRequests ?? [], {
      nameOf: ({ audience }) => audience,
      pathOf: index => `spec.tokenRequests[${index}].audience`,
    }),
    ...(spec?.tokenRequests ?? []).flatMap(({ expirationSeconds }, index) =>
      expirationSeconds !== undefined && expirationSeconds < TOKEN_SECONDS_MIN
        ? [
            invalid(
              `spec.tokenRequests[${index}].expirationSeconds`,
              expirationSeconds,
              'may not specify a duration less than 10 minutes',
            ),
          ]
        : [],
    ),
  ],
  validateUpdate: ({ spec }, old) => [
    ...immutable(spec?.attachRequired, old.spec?.attachRequired, 'spec.attachedRequired'),
    ...immutable(spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
  ],
  columns: [
    { name: 'AttachRequired', type: 'boolean', cell: ({ spec }) => spec?.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', cell: ({ spec }) => spec?.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', cell: ({ spec }) => spec?.storageCapacity ?? false },
    text(
      'TokenRequests',
      ({ spec }) => (spec?.tokenRequests ?? []).map(({ audience }) => audience).join(',') || '<unset>',
    ),
    { name: 'RequiresRepublish', type: 'boolean', cell: ({ spec }) => spec?.requiresRepublish ?? false },
    text('Modes', ({ spec }) => (spec?.volumeLifecycleModes ?? []).join(',')),
    age,
  ],
})

type Driver = NonNullable<CSINode['spec']['drivers']>[number]

function driverErrors({ name, nodeID, allocatable, topologyKeys = [] }: Driver, path: string): readonly FieldError[] {
  const errors: FieldError[] = name
    ? [...wellFormed(name, { path: `${path}.name`, problems: driverNameProblems })]
    : [required(`${path}.name`)]
  if (!nodeID) errors.push(required(`${path}.nodeID`))
  else if (nodeID.length > NODE_ID_LENGTH_MAX) {
    errors.push(invalid(`${path}.nodeID`, nodeID, `must be ${NODE_ID_LENGTH_MAX} characters or less`))
  }
  return [
    ...errors,
    ...notNegative(allocatable?.count, `${path}.allocatable.count`),
    ...duplicates(topologyKeys, { nameOf: key => key, pathOf: () => `${path}.topologyKeys` }),
    ...topologyKeys.flatMap(key => wellFormed(key, { path: `${path}.topologyKeys`, problems: qualifiedNameProblems })),
  ]
}

export const csiNodes = defineKind(CSINode, {
  validate: ({ spec }) => [
    ...(spec?.drivers ?? []).flatMap((driver, index) => driverErrors(driver, `spec.drivers[${index}]`)),
    ...duplicates(spec?.drivers ?? [], { nameOf: ({ name }) => name, pathOf: index => `spec.drivers[${index}].name` }),
  ],
  columns: [integer('Drivers', ({ spec }) => spec?.drivers?.length), age],
})

const amountErrors = (amount: Quantity | undefined, path: string): readonly FieldError[] =>
  amount !== undefined && compareQuantities(amount, '0') < 0 ? [invalid(path, amount, NOT_NEGATIVE)] : []

export const csiStorageCapacities = defineKind(CSIStorageCapacity, {
  validate: ({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) => [
    ...(storageClassName
      ? wellFormed(storageClassName, { path: 'storageClassName', problems: dnsSubdomainProblems })
      : [required('storageClassName')]),
    ...selectorErrors(nodeTopology, 'nodeTopology'),
    ...amountErrors(capacity, 'capacity'),
    ...amountErrors(maximumVolumeSize, 'maximumVolumeSize'),
  ],
  validateUpdate: (next, old) => [
    ...immutable(next.nodeTopology, old.nodeTopology, 'nodeTopology'),
    ...immutable(next.storageClassName, old.storageClassName, 'storageClassName'),
  ],
  columns: [
    text('StorageClassName', ({ storageClassName }) => storageClassName),
    text('Capacity', ({ capacity }) => capacity ?? '<unset>'),
  ],
})

export const volumeAttachments = defineKind(VolumeAttachment, {
  validate: ({ spec }) => {
    const { persistentVolumeName, inlineVolumeSpec } = spec?.source ?? {}
    const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
    return [
      ...(spec?.attacher ? [] : [required('spec.attacher')]),
      ...(persistentVolumeName || inlineVolumeSpec ? [] : [required('spec.source', why)]),
      ...(persistentVolumeName && inlineVolumeSpec ? [invalid('spec.source', spec.source, why)] : []),
      ...(spec?.nodeName ? [] : [required('spec.nodeName')]),
    ]
  },
  validateUpdate: (next, old) => immutable(next.spec, old.spec, 'spec'),
  columns: [
    text('Attacher', ({ spec }) => spec?.attacher ?? ''),
    text('PV', ({ spec }) => spec?.source?.persistentVolumeName ?? ''),
    text('Node', ({ spec }) => spec?.nodeName ?? ''),
    { name: 'Attached', type: 'boolean', cell: ({ status }) => status?.attached ?? false },
    age,
  ],
})
