import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { TokenSigner } from './signed-token.ts'

const pem = (key: ReturnType<typeof generateKeyPairSync>['privateKey']): string =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string
const elliptic = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const claims = { iss: 'https://issuer', sub: 'someone' }

test.each([
  ['P-256', pem(elliptic())],
  ['RSA', pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)],
])('tokens of a %s key are good for us and for every other reader of its key set', async (_, signing) => {
  const signer = new TokenSigner({ signing })
  const token = signer.sign(claims)
  expect(signer.verify(token)).toEqual(claims)
  const keys = createLocalJWKSet(signer.keySet() as Parameters<typeof createLocalJWKSet>[0])
  expect((await jwtVerify(token, keys)).payload).toEqual(claims)
})

test('tokens of the key before are good as long as it is listed', () => {
  const old = pem(elliptic())
  const token = new TokenSigner({ signing: old }).sign(claims)
  const signing = pem(elliptic())
  expect(new TokenSigner({ signing, verifying: [old] }).verify(token)).toEqual(claims)
  expect(new TokenSigner({ signing }).verify(token)).toBeUndefined()
})

test('a token that was changed, or that chooses its own algorithm, is no token', () => {
  const signer = new TokenSigner({ signing: pem(elliptic()) })
  const [header, body, signature] = signer.sign(claims).split('.')
  const other = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')
  expect(signer.verify(`${header}.${other}.${signature}`)).toBeUndefined()
  const { kid } = JSON.parse(Buffer.from(header!, 'base64url').toString())
  const none = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url')
  expect(signer.verify(`${none}.${body}.`)).toBeUndefined()
  expect(signer.verify(`${none}.${body}.${signature}`)).toBeUndefined()
  expect(signer.verify('nonsense')).toBeUndefined()
})
