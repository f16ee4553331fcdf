import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { type Kubeconfig, parseKubeconfig } from '../../client/kubeconfig.ts'
import type { DataLayout } from '../host/data-layout.ts'
import { replaceFile } from '../host/replace-file.ts'
import { withContext, withoutContext } from './merge-context.ts'

const CONTEXT_NAME = 'holdfast'

/** The file that kubectl would write to: the first of KUBECONFIG, or `~/.kube/config`. */
export function userKubeconfigPath(environment: Readonly<Record<string, string | undefined>>): string {
  const [first] = (environment.KUBECONFIG ?? '').split(delimiter).filter(Boolean)
  return first ?? join(environment.HOME ?? '/root', '.kube', 'config')
}

/** Puts the cluster of an admin's kubeconfig into the user's file as context `holdfast`, and makes it the current one. */
export function mergeIntoUserKubeconfig(path: string, admin: Kubeconfig): void {
  const cluster = admin.clusters?.[0]?.cluster
  const user = admin.users?.[0]?.user
  if (!cluster || !user) throw new Error('the admin kubeconfig has no cluster or no user')
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  replaceFile(path, withContext(textOf(path), path, { name: CONTEXT_NAME, cluster, user }))
}

/** Throws a `CommandError` for a file that nothing could be merged into. */
export function checkUserKubeconfig(path: string): void {
  withoutContext(textOf(path), path, CONTEXT_NAME)
}

/** Takes the context out again, if it is the one of this data directory: another cluster may have taken the name since. */
export function removeFromUserKubeconfig(path: string, { adminKubeconfig }: DataLayout): void {
  if (!existsSync(path) || !existsSync(adminKubeconfig)) return
  const mine = parseKubeconfig(readFileSync(adminKubeconfig, 'utf8')).clusters?.[0]?.cluster
  const text = textOf(path)
  const named = parseKubeconfig(text).clusters?.find(({ name }) => name === CONTEXT_NAME)?.cluster
  const isMine = named?.['certificate-authority-data'] === mine?.['certificate-authority-data']
  if (isMine) replaceFile(path, withoutContext(text, path, CONTEXT_NAME))
}

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')
