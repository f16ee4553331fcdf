import type { ObjectMeta } from '../../api/meta-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KindDifferences } from '../kind-definition.ts'
import type { ResourceTable } from '../resource.ts'
import type { Cell, TableColumn } from './table-column.ts'

const NAME_DESCRIPTION =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a ' +
  'client to request the generation of an appropriate name automatically. Name is primarily intended for creation ' +
  'idempotence and configuration definition. Cannot be updated. More info: ' +
  'https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names'

const metadataOf = (object: JsonObject): ObjectMeta => (object.metadata ?? {}) as ObjectMeta

const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: NAME_DESCRIPTION,
  cell: object => metadataOf(object).name ?? '',
}

/** What kinds without columns of their own show. */
const GENERIC_COLUMNS: readonly TableColumn[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    cell: object => metadataOf(object).creationTimestamp ?? '',
  },
]

/** The table of these objects. Rows hold metadata only, as kubectl asks for by default. */
export function tableOf(
  { columns, nameCell, hidesName }: Pick<KindDifferences, 'columns' | 'nameCell' | 'hidesName'>,
  { objects, now }: { readonly objects: readonly JsonObject[]; readonly now: Date },
): ResourceTable {
  const name = nameCell ? { ...nameColumn, cell: nameCell } : nameColumn
  const shown = columns ? (hidesName ? columns : [name, ...columns]) : GENERIC_COLUMNS
  return {
    columnDefinitions: shown.map(({ name, type, format = '', description = '', wide }) => ({
      name,
      type,
      format,
      description,
      priority: wide ? 1 : 0,
    })),
    rows: objects.map(object => ({ cells: shown.map(column => cellOf(column, object, now)), object })),
  }
}

/** One odd object must not hide the others of its list. */
function cellOf(column: TableColumn, object: JsonObject, now: Date): Cell {
  try {
    return column.cell(object, now)
  } catch (error) {
    if (error instanceof TypeError) return '<invalid>'
    throw error
  }
}
