/** A message, or a name meant for one, that breaks the rules of RFC 1035. */
export class FormatError extends Error {
  override name = 'FormatError'
}
