const BY_NAME = /^metadata\.name==?([^,=!\\]+)$/

/** A list or watch of one object by its name is judged like a get of that name; empty for all others. */
export function selectedName(verb: string, fieldSelector: string | null | undefined): string {
  if (verb !== 'list' && verb !== 'watch') return ''
  return BY_NAME.exec(fieldSelector ?? '')?.[1] ?? ''
}
