import { ReplicaSet } from '../../api/apps-v1/types.ts'
import { ReplicationController } from '../../api/core-v1/types.ts'
import { defineKind } from '../kind-definition.ts'
import { scaleOf } from '../subresources/scale.ts'
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
import {
  replicaSetErrors,
  replicaSetStatusErrors,
  replicaSetUpdateErrors,
  replicationControllerErrors,
} from './workload-validation.ts'

export const replicaSets = defineKind(ReplicaSet, {
  defaults({ spec }) {
    if (!spec) return
    spec.replicas ??= 1
    defaultPodTemplate(spec.template)
  },
  validate: replicaSetErrors,
  validateUpdate: replicaSetUpdateErrors,
  validateStatusUpdate: replicaSetStatusErrors,
  hasGeneration: true,
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    integer('Desired', ({ spec }) => spec.replicas),
    integer('Current', ({ status }) => status?.replicas),
    integer('Ready', ({ status }) => status?.readyReplicas),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.template))),
    wide(text('Selector', ({ spec }) => selectorText(spec.selector))),
  ],
  subresources: { scale: scaleOf<ReplicaSet>({ selector: ({ spec }) => spec.selector }) },
})

export const replicationControllers = defineKind(ReplicationController, {
  defaults({ spec, metadata }) {
    if (!spec) return
    const labels = spec.template?.metadata?.labels
    if (labels && !spec.selector) spec.selector = { ...labels }
    if (labels && !metadata.labels) metadata.labels = { ...labels }
    spec.replicas ??= 1
    if (spec.template) defaultPodTemplate(spec.template)
  },
  validate: replicationControllerErrors,
  validateStatusUpdate: replicaSetStatusErrors,
  hasGeneration: true,
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    integer('Desired', ({ spec }) => spec?.replicas),
    integer('Current', ({ status }) => status?.replicas),
    integer('Ready', ({ status }) => status?.readyReplicas),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec?.template))),
    wide(text('Images', ({ spec }) => containerImages(spec?.template))),
    wide(text('Selector', ({ spec }) => labelsText(spec?.selector))),
  ],
  subresources: {
    scale: scaleOf<ReplicationController>({ selector: ({ spec }) => ({ matchLabels: spec?.selector ?? {} }) }),
  },
})
