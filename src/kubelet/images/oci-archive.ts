import { createHash } from 'node:crypto'
import { type TarEntry, tarOf } from './tar-archive.ts'

/** How containers of the image start, as `docker inspect` shows it. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly WorkingDir?: string
  readonly User?: string
  readonly StopSignal?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
}

export interface OciImage {
  /** Full names, for example `docker.io/library/busybox:1.28`. */
  readonly names: readonly string[]
  readonly architecture: string
  readonly config: ImageConfig
  /** Uncompressed tar archives, lowest first. */
  readonly layers: readonly Uint8Array[]
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const MEDIA = {
  layer: 'application/vnd.oci.image.layer.v1.tar',
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
} as const

/** An image as one file (OCI Image Layout in a tar archive), as `ctr image import` and `docker load` read it. */
export function ociArchiveOf({ names, architecture, config, layers }: OciImage): Buffer {
  const blobs = new Map<string, Uint8Array>()
  const add = (mediaType: string, content: Uint8Array): Descriptor => {
    const digest = digestOf(content)
    blobs.set(digest, content)
    return { mediaType, digest, size: content.byteLength }
  }
  const layerDescriptors = layers.map(layer => add(MEDIA.layer, layer))
  const configDescriptor = add(
    MEDIA.config,
    jsonBytes({ architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } }),
  )
  const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: configDescriptor, layers: layerDescriptors }
  const manifestDescriptor = add(MEDIA.manifest, jsonBytes(manifest))
  const manifests = names.map(name => ({
    ...manifestDescriptor,
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.replace(/^.*:/, '') },
  }))
  return tarOf([
    file('oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' })),
    file('index.json', jsonBytes({ schemaVersion: 2, manifests })),
    ...[...blobs].map(([digest, content]) => file(`blobs/${digest.replace(':', '/')}`, content)),
  ])
}

const file = (path: string, content: Uint8Array): TarEntry => ({ path, type: 'file', content })
const jsonBytes = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const digestOf = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`
