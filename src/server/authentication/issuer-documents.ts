import type { DocumentHandler } from '../documents/document.ts'
import { send } from '../http/reply.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

/** By these two, others can check service-account tokens by themselves (OpenID Connect Discovery 1.0). */
export const issuerDocuments =
  (tokens: ServiceAccountTokens): DocumentHandler =>
  async exchange => {
    switch (exchange.path) {
      case '/.well-known/openid-configuration':
        await send(exchange, {
          code: 200,
          mediaType: 'application/json',
          body: jsonBytes(configuration(tokens.issuer)),
        })
        return true
      case '/openid/v1/jwks':
        await send(exchange, { code: 200, mediaType: 'application/jwk-set+json', body: jsonBytes(tokens.keySet()) })
        return true
      default:
        return false
    }
  }

const jsonBytes = (value: object): Buffer => Buffer.from(JSON.stringify(value))

const configuration = (issuer: string): object => ({
  issuer,
  jwks_uri: `${issuer}/openid/v1/jwks`,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256', 'RS256'],
})
