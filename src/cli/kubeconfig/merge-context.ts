import { type Document, isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import { CommandError } from '../terminal.ts'

export interface Context {
  /** Of the context, its cluster and its user alike. */
  readonly name: string
  readonly cluster: object
  readonly user: object
}

/**
 * The text of a kubeconfig with this context in it and chosen as the current one. Everything else in the file stays as
 * it is, comments included. Throws a `CommandError` for a file that is no kubeconfig, having changed nothing.
 */
export function withContext(text: string, path: string, { name, cluster, user }: Context): string {
  const document = kubeconfigDocument(text, path)
  putNamed(document, 'clusters', { name, cluster })
  putNamed(document, 'users', { name, user })
  putNamed(document, 'contexts', { name, context: { cluster: name, user: name } })
  document.set('current-context', name)
  return document.toString({ lineWidth: 0 })
}

/** The text without the context, its cluster and its user; the current context is unset if it was this one. */
export function withoutContext(text: string, path: string, name: string): string {
  const document = kubeconfigDocument(text, path)
  for (const section of ['clusters', 'users', 'contexts']) {
    const entries = document.get(section)
    if (isSeq(entries)) entries.items = entries.items.filter(item => !(isMap(item) && item.get('name') === name))
  }
  if (document.get('current-context') === name) document.set('current-context', '')
  return document.toString({ lineWidth: 0 })
}

function kubeconfigDocument(text: string, path: string): Document {
  const document = parseDocument(text.trim() === '' ? 'apiVersion: v1\nkind: Config\n' : text)
  const [error] = document.errors
  if (error || !isMap(document.contents)) {
    const what = error ? error.message.split('\n')[0] : 'it does not hold a mapping'
    throw new CommandError(`${path} is not a kubeconfig: ${what}`, {
      advice: 'It was left as it is. Mend or move it, or choose another file with KUBECONFIG.',
    })
  }
  return document as Document
}

function putNamed(
  document: Document,
  section: string,
  entry: { readonly name: string; readonly [key: string]: unknown },
): void {
  let entries = document.get(section)
  if (!isSeq(entries)) {
    entries = new YAMLSeq()
    document.set(section, entries)
  }
  const list = entries as YAMLSeq
  const node = document.createNode(entry)
  const index = list.items.findIndex(item => item instanceof YAMLMap && item.get('name') === entry.name)
  if (index < 0) list.items.push(node)
  else list.items[index] = node
}
