/** What a test usually wants to say of a set; everything else goes into `spec`. */
export interface StatefulSetShape {
  readonly replicas?: number
  readonly image?: string
  /** Names of claims of 1 GiB each, mounted at `/NAME`. */
  readonly claims?: readonly string[]
  /** More of the container, of the Pod's spec, of the set's spec. */
  readonly container?: object
  readonly pod?: object
  readonly spec?: object
}

/** The manifest of a small StatefulSet whose Pods carry the label `app: NAME`. */
export function statefulSet(
  name: string,
  { replicas = 1, image = 'app', claims = [], container, pod, spec }: StatefulSetShape = {},
) {
  const labels = { app: name }
  const volumeMounts = claims.map(claim => ({ name: claim, mountPath: `/${claim}` }))
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image, volumeMounts, ...container }], ...pod },
      },
      volumeClaimTemplates: claims.map(claim => ({
        metadata: { name: claim },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      })),
      ...spec,
    },
  }
}
