import type { Registry as MetricsRegistry } from 'prom-client'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Clock } from '../machinery/clock.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import type { AdmissionPlugin, Registry } from '../registry/resource.ts'
import { admissionPlugins } from './admission/admission-plugins.ts'
import { QuotaStatus } from './admission/quota-status.ts'
import { ResourceQuotas } from './admission/resource-quota.ts'
import { type ApiServer, createApiServer } from './api-server.ts'
import { BootstrapTokens } from './authentication/bootstrap-tokens.ts'
import { issuerDocuments } from './authentication/issuer-documents.ts'
import { bearerAuthenticator, certificateAuthenticator } from './authentication/request-authenticator.ts'
import { selfSubjectReview, tokenReview } from './authentication/reviews.ts'
import { ServiceAccountTokens } from './authentication/service-account-tokens.ts'
import type { TokenKeys } from './authentication/signed-token.ts'
import { tokenRequest } from './authentication/token-request.ts'
import { authorizerChain, mastersAuthorizer } from './authorization/authorizer.ts'
import { NodeAuthorizer } from './authorization/node-authorizer.ts'
import { Rbac } from './authorization/rbac.ts'
import {
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
} from './authorization/reviews.ts'
import { BootstrapWriter } from './bootstrap/bootstrap-writer.ts'
import { type BootstrapOptions, ensureBootstrapObjects } from './bootstrap/ensure-bootstrap-objects.ts'
import { LivingServers } from './bootstrap/living-servers.ts'
import { ObjectCaches, SERVER_USER } from './object-cache.ts'
import type { VirtualResources } from './resources/virtual-resource.ts'
import type { NodeConnection } from './streams/node-connection.ts'
import { podStreams } from './streams/pod-streams.ts'

export interface OpenApiServerOptions {
  /** Makes the registry that is served, with these rules about writes. */
  readonly createRegistry: (admission: readonly AdmissionPlugin[]) => Registry
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** Signs tokens of service accounts. */
  readonly tokenKeys: TokenKeys
  /** Default: `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer?: string
  /** The way to the kubelets, for logs, exec and the like. */
  readonly nodes?: NodeConnection
  /** What must be there before anybody is served. Absent: nothing is made. */
  readonly bootstrap?: BootstrapOptions
}

export interface OpenApiServer extends ApiServer {
  readonly registry: Registry
  /** Calls as the server itself, which may do everything. */
  readonly transport: ApiTransport
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local'

/**
 * A whole API server: RBAC and node authorisation, every admission rule, tokens and reviews, around one registry. Resolves
 * when it may serve: caches are filled, and the objects that every cluster has are there. Closing it closes the registry.
 */
export async function openApiServer(options: OpenApiServerOptions): Promise<OpenApiServer> {
  const { clock, random, logger } = options
  const caches = new ObjectCaches({ clock, logger })
  const rbac = new Rbac(caches)
  const authorization = authorizerChain([mastersAuthorizer, new NodeAuthorizer(caches), rbac])
  const quotas = new ResourceQuotas(caches, clock)
  const tokens = new ServiceAccountTokens({
    keys: options.tokenKeys,
    issuer: options.issuer ?? ISSUER,
    caches,
    clock,
    random,
  })
  const tokenAuthenticators = [tokens, new BootstrapTokens({ caches, clock })]
  const registry = options.createRegistry(
    admissionPlugins({ caches, authorizer: authorization, rbac, quotas, clock, random }),
  )
  const virtualResources: VirtualResources = new Map([
    ['/v1/serviceaccounts/token', tokenRequest({ tokens, caches })],
    ['authentication.k8s.io/v1/tokenreviews', tokenReview(tokenAuthenticators)],
    ['authentication.k8s.io/v1/selfsubjectreviews', selfSubjectReview],
    ['authorization.k8s.io/v1/selfsubjectaccessreviews', selfSubjectAccessReview(authorization)],
    ['authorization.k8s.io/v1/subjectaccessreviews', subjectAccessReview(authorization)],
    ['authorization.k8s.io/v1/localsubjectaccessreviews', localSubjectAccessReview(authorization)],
    ['authorization.k8s.io/v1/selfsubjectrulesreviews', selfSubjectRulesReview(rbac)],
  ])
  const server = createApiServer({
    ...options,
    registry,
    authentication: [certificateAuthenticator, bearerAuthenticator(tokenAuthenticators)],
    authorization,
    virtualResources,
    documents: [issuerDocuments(tokens)],
    ...(options.nodes && { streams: podStreams({ nodes: options.nodes, caches, logger }) }),
  })
  const transport = server.transportFor(SERVER_USER)
  new QuotaStatus({ caches, quotas, registry, transport, clock, logger }).start()
  await registry.whenReady()
  caches.start(registry)
  await caches.whenSynced()
  const living = options.bootstrap && (await begin(options.bootstrap, { transport, clock, logger }))
  return {
    ...server,
    registry,
    transport,
    async close() {
      await living?.leave()
      caches.stop()
      await server.close()
      await registry.close()
    },
  }
}

/** Makes what a cluster begins with, and lets the other servers know of this one. */
async function begin(
  bootstrap: BootstrapOptions,
  { transport, clock, logger }: { transport: ApiTransport; clock: Clock; logger: Logger },
): Promise<LivingServers> {
  const { addresses, port } = bootstrap
  const living = new LivingServers({ writer: new BootstrapWriter(transport), clock, logger, addresses, port })
  await ensureBootstrapObjects(transport, { ...bootstrap, clock, join: () => living.join() })
  return living
}
