import type { ControllerDefinition } from '../client/controller.ts'
import { daemonSetController } from './daemon-set/daemon-set-controller.ts'
import { deploymentController } from './deployment/deployment-controller.ts'
import { endpointSliceController } from './endpoint-slice/endpoint-slice-controller.ts'
import { endpointsController } from './endpoints/endpoints-controller.ts'
import { garbageCollector } from './garbage-collector/garbage-collector.ts'
import { namespaceController } from './namespace/namespace-controller.ts'
import { persistentVolumeController } from './persistent-volume/persistent-volume-controller.ts'
import { claimProtectionController, volumeProtectionController } from './persistent-volume/protection.ts'
import { replicaSetController, replicationController } from './replica-set/replica-set-controller.ts'
import { rootCaController } from './root-ca/root-ca-controller.ts'
import { serviceAccountController } from './service-account/service-account-controller.ts'
import { statefulSetController } from './stateful-set/stateful-set-controller.ts'

export interface ControllerOptions {
  /** The certificate bundle, in PEM, that Pods verify the API server with; none is published without it. */
  readonly rootCertificate?: string
}

/** Every controller of a cluster. The order says only which start first. */
export function controllerDefinitions({ rootCertificate }: ControllerOptions = {}): readonly ControllerDefinition[] {
  return [
    serviceAccountController,
    ...(rootCertificate ? [rootCaController(rootCertificate)] : []),
    namespaceController,
    endpointSliceController,
    endpointsController,
    replicaSetController,
    replicationController,
    deploymentController,
    daemonSetController,
    garbageCollector,
    statefulSetController,
    persistentVolumeController,
    claimProtectionController,
    volumeProtectionController,
  ]
}
