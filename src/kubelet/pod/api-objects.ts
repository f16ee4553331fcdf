import { ConfigMap, Secret } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { ReferencedObjects } from './environment.ts'

/** ConfigMaps and Secrets as the API has them at the moment: a Pod never starts with an old version of one. */
export class ApiObjects implements ReferencedObjects {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#client.find(ConfigMap, { namespace, name })
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#client.find(Secret, { namespace, name })
  }
}
