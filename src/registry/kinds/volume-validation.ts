import type { Volume } from '../../api/core-v1/types.ts'
import { type FieldError, forbidden, required } from '../../machinery/field-error.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'
import { between, duplicates, oneOf, wellFormed } from './field-rules.ts'

const FILE_MODE_MAX = 0o777
export const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]

/** The rules of a Pod's volumes. */
export function volumesErrors(volumes: readonly Volume[], path: string): readonly FieldError[] {
  const errors = volumes.flatMap((volume, index) => {
    const at = `${path}[${index}]`
    const nameErrors = volume.name
      ? wellFormed(volume.name, { path: `${at}.name`, problems: dnsLabelProblems })
      : [required(`${at}.name`)]
    return [...nameErrors, ...sourceErrors(volume, at)]
  })
  return [...errors, ...duplicates(volumes, { nameOf: ({ name }) => name, pathOf: index => `${path}[${index}].name` })]
}

function sourceErrors({ name: _, ...sources }: Volume, path: string): readonly FieldError[] {
  const chosen = Object.entries(sources).filter(([, source]) => source !== undefined)
  if (chosen.length === 0) return [required(path, 'must specify a volume type')]
  const errors: FieldError[] = chosen
    .slice(1)
    .map(([type]) => forbidden(`${path}.${type}`, 'may not specify more than 1 volume type'))
  const { hostPath, persistentVolumeClaim, secret, configMap, nfs, csi, projected } = sources
  if (hostPath) {
    if (!hostPath.path) errors.push(required(`${path}.hostPath.path`))
    else if (hostPath.path.split('/').includes('..')) {
      errors.push({
        reason: 'FieldValueInvalid',
        field: `${path}.hostPath.path`,
        message: `Invalid value: ${JSON.stringify(hostPath.path)}: must not contain '..'`,
      })
    }
    errors.push(...oneOf(hostPath.type, { path: `${path}.hostPath.type`, choices: HOST_PATH_TYPES }))
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName)
    errors.push(required(`${path}.persistentVolumeClaim.claimName`))
  if (secret) {
    if (!secret.secretName) errors.push(required(`${path}.secret.secretName`))
    errors.push(...fileMode(secret.defaultMode, `${path}.secret.defaultMode`))
  }
  if (configMap) {
    if (!configMap.name) errors.push(required(`${path}.configMap.name`))
    errors.push(...fileMode(configMap.defaultMode, `${path}.configMap.defaultMode`))
  }
  if (nfs) {
    if (!nfs.server) errors.push(required(`${path}.nfs.server`))
    if (!nfs.path) errors.push(required(`${path}.nfs.path`))
  }
  if (csi && !csi.driver) errors.push(required(`${path}.csi.driver`))
  if (projected) errors.push(...fileMode(projected.defaultMode, `${path}.projected.defaultMode`))
  return errors
}

const fileMode = (mode: number | undefined, path: string): readonly FieldError[] =>
  between(mode, { path, min: 0, max: FILE_MODE_MAX }).map(error => ({
    ...error,
    message: `Invalid value: ${mode}: must be a number between 0 and 0777 (octal), both inclusive`,
  }))
