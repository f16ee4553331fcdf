import type { Exchange } from './exchange.ts'

/** Upstream's bounds: a reply's headers must stay small whatever an object does wrong. */
const WARNINGS_MAX = 50
const WARNING_LENGTH_MAX = 256

/** `Warning: 299 - "text"` (RFC 7234 section 5.5), one header line for each text, each text once. */
export function addWarnings(exchange: Exchange, texts: readonly string[]): void {
  if (texts.length === 0) return
  const lines = [...new Set(texts)].slice(0, WARNINGS_MAX).map(text => `299 - ${quoted(text)}`)
  exchange.commonHeaders.warning = lines
}

function quoted(text: string): string {
  const short = text.length > WARNING_LENGTH_MAX ? `${text.slice(0, WARNING_LENGTH_MAX)}...` : text
  const printable = short.replace(/[^\x20-\x7e]/g, ' ')
  return `"${printable.replace(/(["\\])/g, '\\$1')}"`
}
