import { CronJob, Job } from '../../api/batch-v1/types.ts'
import { type FieldError, notSupported, required } from '../../machinery/field-error.ts'
import type { Draft } from '../draft.ts'
import { defineKind } from '../kind-definition.ts'
import { ageText, elapsedText } from '../tables/age.ts'
import { age, containerImages, containerNames, integer, selectorText, text, wide } from '../tables/columns.ts'
import { notNegative } from './field-rules.ts'
import { defaultPodTemplate } from './pod-spec-defaults.ts'
import { podTemplateErrors } from './pod-spec-validation.ts'
import { immutable } from './workload-validation.ts'

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'
const JOB_NAME = 'batch.kubernetes.io/job-name'

export const jobs = defineKind(Job, {
  defaults: ({ spec }) => defaultJobSpec(spec),
  prepareForCreate: generateSelector,
  validate: jobErrors,
  validateUpdate: (job, old) => [
    ...immutable(job.spec.selector, old.spec.selector, 'spec.selector'),
    ...(old.spec.completionMode === 'Indexed'
      ? []
      : immutable(job.spec.completions, old.spec.completions, 'spec.completions')),
    ...(old.spec.suspend ? [] : immutable(job.spec.template, old.spec.template, 'spec.template')),
    ...immutable(job.spec.completionMode, old.spec.completionMode, 'spec.completionMode'),
  ],
  hasGeneration: true,
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns: [
    text('Status', jobStatusText),
    text('Completions', completionsText),
    text('Duration', durationText),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.template))),
    wide(text('Selector', ({ spec }) => selectorText(spec.selector))),
  ],
})

function defaultJobSpec(spec: Draft<Job>['spec'] | undefined): void {
  if (!spec) return
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  defaultPodTemplate(spec.template)
}

/** Unless the user chose a selector, a Job finds its Pods by its own uid. */
function generateSelector({ metadata, spec }: Draft<Job>): void {
  if (spec.manualSelector) return
  spec.template.metadata ??= {}
  const { uid, name } = metadata
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    [CONTROLLER_UID]: uid,
    'controller-uid': uid,
    [JOB_NAME]: name,
    'job-name': name,
  }
  spec.selector = { matchLabels: { [CONTROLLER_UID]: uid } }
}

function jobErrors({ spec }: Job): readonly FieldError[] {
  const errors: FieldError[] = [
    ...(
      ['parallelism', 'completions', 'backoffLimit', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'] as const
    ).flatMap(field => notNegative(spec[field], `spec.${field}`)),
    ...podTemplateErrors(spec.template, 'spec.template'),
  ]
  return [...errors, ...restartPolicyErrors(spec.template?.spec?.restartPolicy, 'spec.template.spec.restartPolicy')]
}

const restartPolicyErrors = (policy: string | undefined, path: string): readonly FieldError[] => {
  if (policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')]
  return policy === 'OnFailure' || policy === 'Never' ? [] : [notSupported(path, policy, ['OnFailure', 'Never'])]
}

function jobStatusText({ metadata, spec, status }: Job): string {
  const has = (type: string): boolean =>
    status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata.deletionTimestamp) return 'Terminating'
  if (has('Suspended') || spec.suspend) return 'Suspended'
  if (has('FailureTarget')) return 'FailureTarget'
  return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationText({ status }: Job, now: Date): string {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now.getTime()
  return elapsedText(end - Date.parse(status.startTime))
}

export const cronJobs = defineKind(CronJob, {
  defaults({ spec }) {
    if (!spec) return
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    defaultPodTemplate(spec.jobTemplate?.spec?.template)
  },
  validate({ spec }) {
    const path = 'spec.jobTemplate.spec.template'
    return [
      ...(spec.schedule ? [] : [required('spec.schedule')]),
      ...notNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
      ...notNegative(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
      ...notNegative(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
      ...podTemplateErrors(spec.jobTemplate?.spec?.template, path),
      ...restartPolicyErrors(spec.jobTemplate?.spec?.template?.spec?.restartPolicy, `${path}.spec.restartPolicy`),
    ]
  },
  hasGeneration: true,
  columns: [
    text('Schedule', ({ spec }) => spec.schedule),
    text('Timezone', ({ spec }) => spec.timeZone ?? '<none>'),
    text('Suspend', ({ spec }) => (spec.suspend ? 'True' : 'False')),
    integer('Active', ({ status }) => status?.active?.length),
    text('Last Schedule', ({ status }, now) =>
      status?.lastScheduleTime ? ageText(status.lastScheduleTime, now) : '<none>',
    ),
    age,
    wide(text('Containers', ({ spec }) => containerNames(spec.jobTemplate?.spec?.template))),
    wide(text('Images', ({ spec }) => containerImages(spec.jobTemplate?.spec?.template))),
    wide(text('Selector', ({ spec }) => selectorText(spec.jobTemplate?.spec?.selector))),
  ],
})
