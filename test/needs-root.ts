import { describe, type TestOptions, test } from 'vitest'

/** As root nothing is left out: what is missing then (containerd, CNI plugins, nft) fails, it does not skip. */
const isRoot = process.getuid?.() === 0
const REASON = '[skipped: only root may make containers, network namespaces and mounts]'

type Body = () => void | Promise<void>

/** A test on the real machine. Without root it is skipped, and its title says why. */
export function testAsRoot(title: string, options: TestOptions, body: Body): void
export function testAsRoot(title: string, body: Body): void
export function testAsRoot(title: string, ...rest: [Body] | [TestOptions, Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest
  if (isRoot) test(title, options, body)
  else test.skip(`${title} ${REASON}`, options, body)
}

/** Tests that share what only root can make. Without root they and their hooks are skipped, and the title says why. */
export function describeAsRoot(title: string, body: () => void): void {
  if (isRoot) describe(title, body)
  else describe.skip(`${title} ${REASON}`, body)
}
