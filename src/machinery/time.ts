/** Wall time as `metav1.Time` writes it: RFC 3339 in UTC, whole seconds. */
export const timeText = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`

/** Wall time as `metav1.MicroTime` writes it: RFC 3339 in UTC with six digits. */
export const microTimeText = (time: Date): string => `${time.toISOString().slice(0, 23)}000Z`

/** Reads either form. Throws on text that is no RFC 3339 time. */
export function timeOf(text: string): Date {
  const time = new Date(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) || Number.isNaN(time.getTime())) {
    throw new Error(`"${text}" is not an RFC 3339 time`)
  }
  return time
}
