import { FormatError } from './format-error.ts'
import type { DomainName } from './message.ts'

/** RFC 1035 section 3.1: of a whole name on the wire, its length bytes and root included. */
const NAME_BYTES_MAX = 255
const LABEL_BYTES_MAX = 63
const POINTER = 0xc0

/** A name found on the wire, and where the bytes after it begin. */
export interface ReadName {
  readonly labels: readonly string[]
  readonly end: number
}

/**
 * Reads a name, following compression pointers. A pointer may only lead to bytes before the part being read, so every
 * chain of pointers ends (RFC 1035 section 4.1.4 says "prior occurrence"). Labels come as one character per byte.
 */
export function readLabels(bytes: Buffer, start: number): ReadName {
  const labels: string[] = []
  let [offset, partStart, end, length] = [start, start, -1, 1]
  for (;;) {
    const size = bytes[offset]
    if (size === undefined) throw new FormatError('a name runs past the end')
    if (size === 0) return { labels, end: end < 0 ? offset + 1 : end }
    if ((size & POINTER) === POINTER) {
      const target = pointerAt(bytes, offset)
      if (target >= partStart) throw new FormatError('a compression pointer does not point back')
      if (end < 0) end = offset + 2
      offset = partStart = target
      continue
    }
    if (size > LABEL_BYTES_MAX) throw new FormatError('a label is of unknown type')
    length += size + 1
    if (length > NAME_BYTES_MAX) throw new FormatError('a name is longer than 255 bytes')
    if (offset + 1 + size > bytes.length) throw new FormatError('a label runs past the end')
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + size))
    offset += 1 + size
  }
}

function pointerAt(bytes: Buffer, offset: number): number {
  const low = bytes[offset + 1]
  if (low === undefined) throw new FormatError('a compression pointer runs past the end')
  return ((bytes[offset]! & ~POINTER) << 8) | low
}

/** Presentation form (RFC 1035 section 5.1), without the final dot. */
export const nameOf = (labels: readonly string[]): DomainName => labels.map(escaped).join('.')

const PLAIN = /^[-\w*]+$/

const escaped = (label: string): string =>
  PLAIN.test(label)
    ? label
    : label.replace(/[.\\]|[^!-~]/g, char =>
        char === '.' || char === '\\' ? `\\${char}` : `\\${char.charCodeAt(0).toString().padStart(3, '0')}`,
      )

/** The labels of a name in presentation form. Throws `FormatError` on one that no message can carry. */
export function labelsOf(name: DomainName): readonly string[] {
  if (name === '' || name === '.') return []
  const labels = name.includes('\\') ? unescapedLabels(name) : name.split('.')
  if (labels.at(-1) === '') labels.pop() // The final dot of a fully qualified name.
  let length = 1
  for (const label of labels) {
    if (label.length === 0 || label.length > LABEL_BYTES_MAX)
      throw new FormatError(`"${name}" has a label of a length not allowed`)
    length += label.length + 1
  }
  if (length > NAME_BYTES_MAX) throw new FormatError(`"${name}" is longer than 255 bytes`)
  return labels
}

function unescapedLabels(name: DomainName): string[] {
  const labels: string[] = ['']
  for (const [token, code, char] of name.matchAll(/\\(\d{3})|\\(.)|./gs)) {
    if (token === '.') labels.push('')
    else labels[labels.length - 1] += code ? String.fromCharCode(Number(code) & 0xff) : (char ?? token)
  }
  return labels
}

/** The name as bytes, never compressed: the form in which record data holds names. */
export function nameBytes(name: DomainName): Buffer {
  const labels = labelsOf(name)
  const text = labels.map(label => String.fromCharCode(label.length) + label).join('')
  return Buffer.from(`${text}\0`, 'latin1')
}

/** Lower case by ASCII rules only: how names compare (RFC 4343). */
export const foldedName = (name: DomainName): DomainName => name.replace(/[A-Z]+/g, letters => letters.toLowerCase())
