import { DaemonSet } from '../../api/apps-v1/types.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import {
  age,
  containerImages,
  containerNames,
  integer,
  labelsText,
  selectorText,
  text,
  wide,
} from '../tables/columns.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { daemonSetErrors, daemonSetStatusErrors, daemonSetUpdateErrors } from './workload-validation.ts'

export const daemonSets = defineKind(DaemonSet, {
  defaults: defaultDaemonSet,
  validate: daemonSetErrors,
  validateUpdate: daemonSetUpdateErrors,
  validateStatusUpdate: daemonSetStatusErrors,
  warnings: ({ spec, metadata }, old) =>
    metadata.generation === old?.metadata.generation ? [] : podTemplateWarnings(spec.template),
  hasGeneration: true,
  columns: [
    integer('Desired', ({ status }) => status?.desiredNumberScheduled),
    integer('Current', ({ status }) => status?.currentNumberScheduled),
    integer('Ready', ({ status }) => status?.numberReady),
    integer('Up-to-date', ({ status }) => status?.updatedNumberScheduled),
    integer('Available', ({ status }) => status?.numberAvailable),
    text('Node Selector', ({ spec }) => labelsText(spec.template?.spec?.nodeSelector)),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.template))),
    wide(text('Selector', ({ spec }) => selectorText(spec.selector))),
  ],
})

function defaultDaemonSet({ spec }: Draft<DaemonSet>): void {
  if (!spec) return
  spec.revisionHistoryLimit ??= 10
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ??= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0
  }
  defaultPodTemplate(spec.template)
}
