import type { Key, KeyRange } from './store.ts'

const OUTSIDE_BMP_OR_HIGH = /[\ud800-\uffff]/

/**
 * A string that compares with `<` as the UTF-8 bytes of `key` would. JavaScript compares UTF-16 units, which puts the
 * characters above U+FFFF before U+E000 to U+FFFF; moving the two groups past each other repairs it.
 */
export function sortKey(key: Key): string {
  if (!OUTSIDE_BMP_OR_HIGH.test(key)) return key
  let sorted = ''
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    sorted += String.fromCharCode(unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)
  }
  return sorted
}

/** Whether `key` lies in `range`, whose bounds are sort keys. */
export const liesIn = (key: string, range: KeyRange): boolean => key >= range.start && key < range.end

export const sortRange = (range: KeyRange): KeyRange => ({ start: sortKey(range.start), end: sortKey(range.end) })
