import type { PodTemplateSpec } from '../../api/core-v1/types.ts'
import type { LabelSelector, ObjectMeta } from '../../api/meta-v1/types.ts'
import { labelSelectorText } from '../../machinery/selectors.ts'
import { ageText } from './age.ts'
import type { Cell, TableColumn } from './table-column.ts'

type WithMetadata = { readonly metadata: ObjectMeta }

/** A column of text. */
export const text = <T>(name: string, cell: (object: T, now: Date) => Cell): TableColumn<T> => ({
  name,
  type: 'string',
  cell,
})

/** A column of whole numbers; absent counts print as 0. */
export const integer = <T>(name: string, cell: (object: T) => number | undefined): TableColumn<T> => ({
  name,
  type: 'integer',
  cell: object => cell(object) ?? 0,
})

/** A column that only `-o wide` shows. */
export const wide = <T>(column: TableColumn<T>): TableColumn<T> => ({ ...column, wide: true })

export const age: TableColumn<WithMetadata> = {
  name: 'Age',
  type: 'string',
  cell: ({ metadata }, now) => ageText(metadata.creationTimestamp, now),
}

/** `a=b,c=d`, or `<none>`. */
export function labelsText(labels: { readonly [key: string]: string } | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}

export const selectorText = (selector: LabelSelector | undefined): string =>
  (selector && labelSelectorText(selector)) || '<none>'

const containersOf = (template: PodTemplateSpec | undefined) => template?.spec?.containers ?? []

export const containerNames = (template: PodTemplateSpec | undefined): string =>
  containersOf(template)
    .map(({ name }) => name)
    .join(',')

export const containerImages = (template: PodTemplateSpec | undefined): string =>
  containersOf(template)
    .map(({ image }) => image ?? '')
    .join(',')
