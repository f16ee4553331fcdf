/** Reason of the event with which a kubelet tells the last line that a failed container printed. */
export const CRASH_REASON = 'ContainerFailed'

export interface Crash {
  readonly containerName: string
  readonly exitCode: number
  readonly lastLine: string
}

export const crashText = ({ containerName, exitCode, lastLine }: Crash): string =>
  `Container ${containerName} ended with exit code ${exitCode}; the last line of its log: ${lastLine}`

/** Reads the text back, also out of an event that stands for several; undefined when it is another. */
export function crashIn(text: string): Crash | undefined {
  const match = /Container (\S+) ended with exit code (-?\d+); the last line of its log: (.*)$/s.exec(text)
  if (!match) return undefined
  const [, containerName = '', exitCode = '', lastLine = ''] = match
  return { containerName, exitCode: Number(exitCode), lastLine }
}
