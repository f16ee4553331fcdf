import type { ControllerDefinition } from '../client/controller.ts'
import type { FeatureGates } from '../machinery/feature-gates.ts'
import type { CertificateSigner } from './certificate-signing/certificate-signer.ts'
import { certificateSigningController } from './certificate-signing/certificate-signing-controller.ts'
import { cronJobController } from './cron-job/cron-job-controller.ts'
import { daemonSetController } from './daemon-set/daemon-set-controller.ts'
import { deploymentController } from './deployment/deployment-controller.ts'
import { disruptionController } from './disruption/disruption-controller.ts'
import { endpointSliceController } from './endpoint-slice/endpoint-slice-controller.ts'
import { endpointSliceMirroringController } from './endpoint-slice-mirroring/endpoint-slice-mirroring-controller.ts'
import { endpointsController } from './endpoints/endpoints-controller.ts'
import { garbageCollector } from './garbage-collector/garbage-collector.ts'
import { jobController } from './job/job-controller.ts'
import { immediateClaims } from './local-volume-provisioner/immediate-claims.ts'
import { volumesOfLostMachines } from './local-volume-provisioner/lost-machines.ts'
import { namespaceController } from './namespace/namespace-controller.ts'
import { DEFAULT_POD_RANGE, nodeIpamController } from './node-ipam/node-ipam-controller.ts'
import type { PodRangeOptions } from './node-ipam/pod-ranges.ts'
import { nodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.ts'
import { persistentVolumeController } from './persistent-volume/persistent-volume-controller.ts'
import { claimProtectionController, volumeProtectionController } from './persistent-volume/protection.ts'
import { podGcController } from './pod-gc/pod-gc-controller.ts'
import { replicaSetController, replicationController } from './replica-set/replica-set-controller.ts'
import { rootCaController } from './root-ca/root-ca-controller.ts'
import { serviceAccountController } from './service-account/service-account-controller.ts'
import { featuresFrom } from './stateful-set/features.ts'
import { statefulSetController } from './stateful-set/stateful-set-controller.ts'
import { taintEvictionController } from './taint-eviction/taint-eviction-controller.ts'

export interface ControllerOptions {
  /** The certificate bundle, in PEM, that Pods verify the API server with; none is published without it. */
  readonly rootCertificate?: string
  /** The addresses of Pods, and how many of them each machine gets. */
  readonly podRange?: PodRangeOptions
  /** Certifies machines and users that ask for it; without one nobody here does. */
  readonly signer?: CertificateSigner
  /** As the API server has them. */
  readonly featureGates?: FeatureGates
}

/** Every controller of a cluster. The order says only which start first. */
export function controllerDefinitions({
  rootCertificate,
  podRange = DEFAULT_POD_RANGE,
  signer,
  featureGates = {},
}: ControllerOptions = {}): readonly ControllerDefinition[] {
  return [
    serviceAccountController,
    ...(rootCertificate ? [rootCaController(rootCertificate)] : []),
    ...(signer ? [certificateSigningController(signer)] : []),
    nodeIpamController(podRange),
    nodeLifecycleController,
    taintEvictionController,
    podGcController,
    namespaceController,
    endpointSliceController,
    endpointsController,
    endpointSliceMirroringController,
    replicaSetController,
    replicationController,
    deploymentController,
    daemonSetController,
    jobController,
    cronJobController,
    disruptionController,
    garbageCollector,
    statefulSetController(featuresFrom(featureGates)),
    persistentVolumeController,
    claimProtectionController,
    volumeProtectionController,
    immediateClaims,
    volumesOfLostMachines,
  ]
}
