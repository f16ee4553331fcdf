import type { StorageClass } from '../../api/storage-v1/types.ts'
import { duplicate, type FieldError, invalid, required } from '../../machinery/field-error.ts'
import { qualifiedNameProblems } from '../../machinery/names.ts'
import { oneOf, wellFormed } from './field-rules.ts'

const PARAMETERS_MAX = 512
const PARAMETERS_BYTES_MAX = 256 * 1024

/** The rules of a StorageClass. */
export function storageClassErrors(storageClass: StorageClass): readonly FieldError[] {
  const { provisioner, reclaimPolicy, volumeBindingMode } = storageClass
  return [
    ...(provisioner
      ? wellFormed(provisioner.toLowerCase(), { path: 'provisioner', problems: qualifiedNameProblems })
      : [required('provisioner')]),
    ...parameterErrors(storageClass.parameters ?? {}),
    ...oneOf(reclaimPolicy, { path: 'reclaimPolicy', choices: ['Delete', 'Retain'] }),
    ...oneOf(volumeBindingMode, { path: 'volumeBindingMode', choices: ['Immediate', 'WaitForFirstConsumer'] }),
    ...topologyErrors(storageClass.allowedTopologies ?? []),
  ]
}

function parameterErrors(parameters: Readonly<Record<string, string>>): readonly FieldError[] {
  const entries = Object.entries(parameters)
  const tooLong = (why: string): FieldError => ({ reason: 'FieldValueTooLong', field: 'parameters', message: why })
  if (entries.length > PARAMETERS_MAX) return [tooLong(`Too long: may not be more than ${PARAMETERS_MAX} parameters`)]
  const errors: FieldError[] = entries.some(([key]) => key === '')
    ? [invalid('parameters', '', 'field can not be empty.')]
    : []
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  if (bytes > PARAMETERS_BYTES_MAX) {
    errors.push(tooLong(`Too long: may not be more than ${PARAMETERS_BYTES_MAX} bytes`))
  }
  return errors
}

type Topologies = NonNullable<StorageClass['allowedTopologies']>

/** Each term says where, by labels of machines; one label has one list of values. */
function topologyErrors(terms: Topologies): readonly FieldError[] {
  return terms.flatMap(({ matchLabelExpressions = [] }, index) => {
    const path = `allowedTopologies[${index}].matchLabelExpressions`
    const seen = new Set<string>()
    return matchLabelExpressions.flatMap(({ key, values = [] }, at): FieldError[] => {
      const errors: FieldError[] = [
        ...wellFormed(key ?? '', { path: `${path}[${at}].key`, problems: qualifiedNameProblems }),
        ...(values.length === 0 ? [required(`${path}[${at}].values`)] : []),
        ...values.flatMap((value, nth) =>
          values.indexOf(value) < nth ? [duplicate(`${path}[${at}].values[${nth}]`, value)] : [],
        ),
      ]
      if (seen.has(key)) errors.push(duplicate(`${path}[${at}].key`, key))
      seen.add(key)
      return errors
    })
  })
}
