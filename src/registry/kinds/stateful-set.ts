import { StatefulSet } from '../../api/apps-v1/types.ts'
import { dnsLabelProblems } from '../../machinery/names.ts'
import type { Draft } from '../draft.ts'
import { defineKind, type RuleContext } from '../kind-definition.ts'
import { scaleOf } from '../subresources/scale.ts'
import { age, containerImages, containerNames, text, wide } from '../tables/columns.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import {
  statefulSetCreateErrors,
  statefulSetErrors,
  statefulSetStatusErrors,
  statefulSetUpdateErrors,
  statefulSetWarnings,
} from './stateful-set-validation.ts'

export const statefulSets = defineKind(StatefulSet, {
  defaults: defaultStatefulSet,
  nameProblems: dnsLabelProblems,
  ownEnumerations: ['spec.updateStrategy.type'],
  validate: statefulSetErrors,
  validateCreate: statefulSetCreateErrors,
  validateUpdate: statefulSetUpdateErrors,
  validateStatusUpdate: statefulSetStatusErrors,
  warnings: statefulSetWarnings,
  prepareForCreate: dropDisabledFields,
  prepareForUpdate: dropDisabledFields,
  hasGeneration: true,
  columns: [
    text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.template))),
  ],
  subresources: { scale: scaleOf<StatefulSet>({ selector: ({ spec }) => spec.selector }) },
})

function defaultStatefulSet({ spec }: Draft<StatefulSet>, { isEnabled }: RuleContext): void {
  if (!spec) return
  spec.podManagementPolicy ??= 'OrderedReady'
  defaultUpdateStrategy(spec, isEnabled('MaxUnavailableStatefulSet'))
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1'
    claim.kind = 'PersistentVolumeClaim'
    const filled = claim as { spec?: { volumeMode?: string }; status?: { phase?: string } }
    filled.spec ??= {}
    filled.spec.volumeMode ??= 'Filesystem'
    filled.status ??= {}
    filled.status.phase ??= 'Pending'
  }
  defaultPodTemplate(spec.template)
}

/** A type written out leaves `rollingUpdate` alone; an absent one materialises it with partition 0. */
function defaultUpdateStrategy(spec: Draft<StatefulSet>['spec'], hasMaxUnavailable: boolean): void {
  spec.updateStrategy ??= {}
  const strategy = spec.updateStrategy
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type !== 'RollingUpdate' || !strategy.rollingUpdate) return
  strategy.rollingUpdate.partition ??= 0
  if (hasMaxUnavailable) strategy.rollingUpdate.maxUnavailable ??= 1
}

/** Without its gate `maxUnavailable` is dropped, unless the stored object has it already. */
function dropDisabledFields(
  set: Draft<StatefulSet>,
  oldOrContext: StatefulSet | RuleContext,
  context?: RuleContext,
): void {
  const old = context ? (oldOrContext as StatefulSet) : undefined
  const { isEnabled } = context ?? (oldOrContext as RuleContext)
  if (isEnabled('MaxUnavailableStatefulSet') || old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined)
    return
  delete set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable
}
