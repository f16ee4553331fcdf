/** A value of wire type `T` while its only owner still builds it: nothing readonly, nothing shared. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Draft<T[Key]> }
    : T
