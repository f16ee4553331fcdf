import type { Container } from '../../api/core-v1/types.ts'

/** A port by number, or by the name it has in the container. */
export function portOf(port: number | string, container: Container): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(({ name }) => name === port)
  if (named) return named.containerPort
  const number = Number(port)
  if (!Number.isInteger(number) || number <= 0 || number > 65_535) throw new Error(`invalid port number: ${port}`)
  return number
}
