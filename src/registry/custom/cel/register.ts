/** Adds one function to the language, by its signature: `string.find(string): string`. It never waits. */
export type Register = (signature: string, handler: (...values: never[]) => unknown) => void
