import type { ImageConfig } from '../../src/kubelet/images/oci-archive.ts'

/** An image made of Debian packages, under the names that users meet. */
export interface Recipe {
  /** Short name for the command line, and of the file. */
  readonly id: string
  readonly names: readonly string[]
  /** Debian packages whose files go in, lowest first. busybox is always there as the shell. */
  readonly packages: readonly string[]
  readonly config: ImageConfig
  readonly files?: Readonly<Record<string, { readonly content: string; readonly mode?: number }>>
  readonly directories?: Readonly<Record<string, number>>
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const NGINX_CONF = `worker_processes 1;
daemon off;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  server {
    listen 80;
    root /usr/share/nginx/html;
    index index.html;
  }
}
`

const WELCOME =
  '<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n'

export const RECIPES: readonly Recipe[] = [
  {
    id: 'busybox',
    names: ['docker.io/library/busybox:1.28', 'docker.io/library/busybox:1.36'],
    packages: [],
    config: { Cmd: ['sh'], Env: [PATH] },
  },
  {
    id: 'nginx',
    names: [
      'docker.io/library/nginx:1.19.2-alpine',
      'docker.io/library/nginx:1.19.3-alpine',
      'docker.io/library/nginx:1.7.9',
      'registry.k8s.io/nginx-slim:0.21',
      'registry.k8s.io/nginx-slim:0.24',
    ],
    packages: ['libc6', 'libcrypt1', 'libpcre2-8-0', 'zlib1g', 'libssl3', 'nginx', 'nginx-common'],
    config: {
      Cmd: ['nginx', '-c', '/etc/nginx/holdfast.conf'],
      Env: [PATH],
      StopSignal: 'SIGQUIT',
      ExposedPorts: { '80/tcp': {} },
    },
    files: {
      'etc/nginx/holdfast.conf': { content: NGINX_CONF },
      'usr/share/nginx/html/index.html': { content: WELCOME },
    },
    directories: { 'var/lib/nginx': 0o755, 'var/log/nginx': 0o755, run: 0o755 },
  },
  {
    id: 'etcd',
    names: ['quay.io/coreos/etcd:v3.4.23', 'registry.k8s.io/etcd:3.4.23', 'gcr.io/etcd-development/etcd:v3.4.23'],
    packages: ['libc6', 'etcd-server', 'etcd-client'],
    config: { Cmd: ['etcd'], Env: [PATH], ExposedPorts: { '2379/tcp': {}, '2380/tcp': {} } },
    directories: { 'var/lib/etcd': 0o700 },
  },
]
