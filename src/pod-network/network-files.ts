/** The few files that the Pod network keeps on its machine. */
export interface NetworkFiles {
  /** Names of what is in a directory; none when it is missing. */
  list(directory: string): Promise<readonly string[]>
  /** Undefined when it is missing. */
  read(path: string): Promise<string | undefined>
  /** Replaces the file at one moment, making its directory if needed. */
  write(path: string, content: string): Promise<void>
  /** A file, or a directory with all in it. What is missing is success. */
  remove(path: string): Promise<void>
}
