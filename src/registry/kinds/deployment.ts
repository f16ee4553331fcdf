import { Deployment } from '../../api/apps-v1/types.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import { scaleOf } from '../subresources/scale.ts'
import { age, containerImages, containerNames, integer, selectorText, text, wide } from '../tables/columns.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { deploymentErrors, deploymentStatusErrors, deploymentUpdateErrors } from './workload-validation.ts'

export const deployments = defineKind(Deployment, {
  defaults: defaultDeployment,
  validate: deploymentErrors,
  validateUpdate: deploymentUpdateErrors,
  validateStatusUpdate: deploymentStatusErrors,
  warnings: ({ spec, metadata }, old) =>
    metadata.generation === old?.metadata.generation ? [] : podTemplateWarnings(spec.template),
  hasGeneration: true,
  columns: [
    text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    integer('Up-to-date', ({ status }) => status?.updatedReplicas),
    integer('Available', ({ status }) => status?.availableReplicas),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.template))),
    wide(text('Selector', ({ spec }) => selectorText(spec.selector))),
  ],
  subresources: { scale: scaleOf<Deployment>({ selector: ({ spec }) => spec.selector }) },
})

function defaultDeployment({ spec }: Draft<Deployment>): void {
  if (!spec) return
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  spec.strategy ??= {}
  spec.strategy.type ??= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  defaultPodTemplate(spec.template)
}
