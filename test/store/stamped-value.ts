/** A value of some size that its stamp determines whole, so that half of one is noticed. Stamps begin with 1. */
export function stampedValue(stamp: number): Uint8Array {
  const value = new Uint8Array(16 + ((stamp * 7919) % 6000)).fill(stamp % 251)
  new DataView(value.buffer).setFloat64(0, stamp)
  return value
}

export const stampOf = (value: Uint8Array): number =>
  new DataView(value.buffer, value.byteOffset, value.byteLength).getFloat64(0)
