import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '../api/core-v1/types.ts'
import { dataLayoutOf } from '../cli/host/data-layout.ts'
import { adminClient } from '../cli/host/local-cluster.ts'
import { CommandError } from '../cli/terminal.ts'
import type { Client } from '../client/client.ts'
import { durationMsOf } from '../machinery/duration.ts'
import { type Random, suffixFrom } from '../machinery/random.ts'
import { systemRandom } from '../machinery/system-random.ts'
import { timeText } from '../machinery/time.ts'
import { authorityHashOf, joinTokenText } from './join/join-token.ts'

/** `holdfast token`: a token with which machines join, good for `ttl`. */
export async function makeToken({ dataDir, ttl }: { readonly dataDir: string; readonly ttl: string }): Promise<string> {
  const layout = dataLayoutOf(dataDir)
  let ttlMs: number
  try {
    ttlMs = durationMsOf(ttl)
  } catch (cause) {
    throw new CommandError(`--ttl: ${(cause as Error).message}`, { cause })
  }
  await using admin = adminClient(layout)
  const authority = readFileSync(join(layout.certificates, 'ca.crt'), 'utf8')
  return await createJoinToken(admin.client, { authority, expiresAt: new Date(Date.now() + ttlMs) })
}

/** Makes the Secret of a bootstrap token and answers the text that machines are given. */
export async function createJoinToken(
  client: Client,
  { authority, expiresAt, random = systemRandom }: { authority: string; expiresAt?: Date; random?: Random },
): Promise<string> {
  const [id, secret] = [suffixFrom(random, 6), suffixFrom(random, 16)]
  const fields = {
    'token-id': id,
    'token-secret': secret,
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    ...(expiresAt && { expiration: timeText(expiresAt) }),
  }
  const data = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
  await client.create(Secret, {
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data,
  })
  const authorityHash = authorityHashOf(new X509Certificate(authority).raw)
  return joinTokenText({ bootstrap: `${id}.${secret}`, authorityHash })
}
