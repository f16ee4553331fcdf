import { Pod, PodTemplate } from '../../api/core-v1/types.ts'
import { hasPodEnded } from '../../machinery/pod-state.ts'
import { qualityOfServiceOf } from '../../machinery/quality-of-service.ts'
import { timeText } from '../../machinery/time.ts'
import type { Draft } from '../draft.ts'
import { defineKind, type RuleContext } from '../kind-definition.ts'
import { binding } from '../subresources/binding.ts'
import { ephemeralContainers } from '../subresources/ephemeral-containers.ts'
import { eviction } from '../subresources/eviction.ts'
import { resize } from '../subresources/resize.ts'
import { containerImages, containerNames, labelsText, text } from '../tables/columns.ts'
import { podColumns } from './pod-columns.ts'
import { defaultPod, defaultPodTemplate } from './pod-spec-defaults.ts'
import { podErrors, podUpdateErrors } from './pod-validation.ts'
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts'

export const pods = defineKind(Pod, {
  defaults: defaultPod,
  prepareForCreate: startPending,
  prepareForUpdate: keepDecidedStatus,
  prepareForStatusUpdate: keepDecidedStatus,
  validate: podErrors,
  validateUpdate: podUpdateErrors,
  warnings: ({ metadata, spec }, old) =>
    old ? [] : [...podNameWarnings(metadata.name), ...podSpecWarnings(spec, 'spec')],
  hasGeneration: true,
  returnsDeletedObject: true,
  gracePeriodSeconds: podGraceSeconds,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName,
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy,
    'spec.schedulerName': ({ spec }) => spec.schedulerName,
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName,
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase,
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP,
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName,
  },
  subresources: { binding, eviction, ephemeralcontainers: ephemeralContainers, resize },
})

function startPending(pod: Draft<Pod>, { now }: RuleContext): void {
  pod.status = { phase: 'Pending', qosClass: qualityOfServiceOf(pod.spec) }
  if (pod.spec.schedulingGates?.length) {
    pod.status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
        lastTransitionTime: timeText(now),
      },
    ]
  }
}

/** The class is decided once, and a Pod that ended never starts again. */
function keepDecidedStatus(pod: Draft<Pod>, old: Pod): void {
  const { qosClass } = old.status ?? {}
  if (pod.status && qosClass && pod.status.qosClass !== qosClass) pod.status.qosClass = qosClass
}

/** Only a Pod that a kubelet may have started needs time to stop. */
function podGraceSeconds(pod: Pod, asked: number | undefined): number {
  const grace = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30
  if (!pod.spec.nodeName || hasPodEnded(pod)) return 0
  return grace < 0 ? 1 : grace
}

export const podTemplates = defineKind(PodTemplate, {
  defaults: ({ template }) => defaultPodTemplate(template),
  hasGeneration: true,
  columns: [
    text('Containers', ({ template }) => containerNames(template)),
    text('Images', ({ template }) => containerImages(template)),
    text('Pod Labels', ({ template }) => labelsText(template?.metadata?.labels)),
  ],
})
