import { arch } from 'node:os'
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

/** Every Pod of the set answers with its own name and keeps a log of requests on its volume. */
const K8SDEMO_CONF = `worker_processes 1;
daemon off;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  log_format request '$time_iso8601 $hostname $remote_addr "$request" $status';
  access_log /app/Data/requests.log request;
  server {
    listen 80;
    default_type text/plain;
    location / { return 200 "$hostname answers $request_uri\\n"; }
  }
}
`

/**
 * Writes the configuration of a member and becomes it. ZOO_SERVERS lists all members ("server.1=HOST:2888:3888;2181 …");
 * ZOO_MY_ID is this one's number, by default the ordinal of the Pod plus one.
 */
const ZOOKEEPER_START = `#!/bin/sh
set -e
data=\${ZOO_DATA_DIR:-/data}
id=\${ZOO_MY_ID:-$((\${HOSTNAME##*-} + 1))}
mkdir -p "$data" /conf
echo "$id" > "$data/myid"
{
  printf 'dataDir=%s\\ntickTime=2000\\ninitLimit=10\\nsyncLimit=5\\n' "$data"
  printf 'admin.enableServer=false\\n4lw.commands.whitelist=*\\nstandaloneEnabled=false\\nreconfigEnabled=true\\n'
  printf 'quorumListenOnAllIPs=true\\nskipACL=yes\\n'
  for server in \${ZOO_SERVERS:-server.$id=localhost:2888:3888;2181}; do echo "$server"; done
} > /conf/zoo.cfg
exec java \${JVMFLAGS:--Xmx96m} org.apache.zookeeper.server.quorum.QuorumPeerMain /conf/zoo.cfg
`

const ZOOKEEPER_CLIENT = '#!/bin/sh\nexec java -Xmx64m org.apache.zookeeper.ZooKeeperMain "$@"\n'

const JAVA_HOME = '/usr/lib/jvm/java-17-openjdk-amd64'.replace('amd64', arch() === 'x64' ? 'amd64' : arch())
const ZOOKEEPER_JARS = [
  'zookeeper',
  'slf4j-simple',
  'netty-codec',
  'netty-resolver',
  'netty-transport-native-unix-common',
]
const CLASSPATH = ZOOKEEPER_JARS.map(name => `/usr/share/java/${name}.jar`).join(':')

/** Answers its name and a random number, and keeps a log of who held the volume and when. */
const RANDOM_GENERATOR = `#!/bin/sh
echo "$(hostname) $(od -An -N4 -tu4 /dev/urandom)" > /www/index.html
httpd -p 8080 -h /www
while true; do echo "$(date +%s) $(hostname) \${POD_UID:-?}" >> /logs/holders.log; sleep 1; done
`

/**
 * Answers as the nslookup of busybox 1.28 does, which resolves by the rules of resolv.conf (search list, ndots) and tells
 * the name behind each address. The one of Debian's newer busybox asks for names with a dot in them only as they stand.
 */
const NSLOOKUP = `#!/bin/sh
name=$1
server=\${2:-$(awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf)}
addresses() { busybox nslookup -type=a "$1" "$server" 2>/dev/null | awk '/^Name:/ { n = 1 } n && /^Address/ { print $NF }'; }
behind() { busybox nslookup "$1" "$server" 2>/dev/null | awk '/name = / { sub(/[.]$/, "", $NF); print " " $NF; exit }'; }
printf '%-10s %s\\n%-10s %s%s\\n\\n' Server: "$server" 'Address 1:' "$server" "$(behind "$server")"
case $name in
  '') echo 'Usage: nslookup HOST [SERVER]' >&2; exit 1 ;;
  *[!0-9.]*)
    ndots=$(sed -n 's/^options.*ndots:\\([0-9]*\\).*/\\1/p' /etc/resolv.conf)
    dots=$(printf %s "$name" | tr -cd . | wc -c)
    search=$(awk '/^search/ { $1 = ""; print }' /etc/resolv.conf)
    case $name in *.) search= ;; esac
    set --
    for domain in $search; do set -- "$@" "$name.$domain"; done
    if [ "$dots" -lt "\${ndots:-1}" ]; then set -- "$@" "$name"; else set -- "$name" "$@"; fi
    for candidate; do found=$(addresses "$candidate"); [ -n "$found" ] && break; done
    ;;
  *) found=$name ;;
esac
if [ -z "$found" ]; then
  echo "nslookup: can't resolve '$name': Name or service not known"
  exit 1
fi
printf '%-10s %s\\n' Name: "$name"
number=0
for address in $found; do
  number=$((number + 1))
  printf 'Address %s: %s%s\\n' "$number" "$address" "$(behind "$address")"
done
`

const CURL_LIBRARIES = [
  ...['libcurl4', 'libbrotli1', 'libcom-err2', 'libffi8', 'libgmp10', 'libgnutls30', 'libgssapi-krb5-2', 'libhogweed6'],
  ...['libidn2-0', 'libk5crypto3', 'libkeyutils1', 'libkrb5-3', 'libkrb5support0', 'libldap-2.5-0', 'libnettle8'],
  ...['libnghttp2-14', 'libp11-kit0', 'libpsl5', 'librtmp1', 'libsasl2-2', 'libssh2-1', 'libtasn1-6', 'libunistring2'],
  'libzstd1',
]
const NGINX_PACKAGES = ['libc6', 'libcrypt1', 'libpcre2-8-0', 'zlib1g', 'libssl3', 'nginx', 'nginx-common']

export const RECIPES: readonly Recipe[] = [
  {
    id: 'busybox',
    names: ['docker.io/library/busybox:1.28', 'docker.io/library/busybox:1.36'],
    // The shell of the static one runs its own nslookup whatever lies on the PATH.
    packages: ['libc6', 'busybox'],
    config: { Cmd: ['sh'], Env: [PATH] },
    files: { 'bin/nslookup': { content: NSLOOKUP, mode: 0o755 } },
  },
  {
    id: 'nginx',
    names: [
      'docker.io/library/nginx:1.19.2-alpine',
      'docker.io/library/nginx:1.19.3-alpine',
      'docker.io/library/nginx:1.7.9',
      'docker.io/ikubernetes/myapp:v5',
      'docker.io/ikubernetes/myapp:v6',
      'registry.k8s.io/nginx-slim:0.21',
      'registry.k8s.io/nginx-slim:0.24',
    ],
    packages: NGINX_PACKAGES,
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
  {
    id: 'random-generator',
    names: ['docker.io/k8spatterns/random-generator:1.0'],
    packages: [],
    config: { Cmd: ['random-generator'], Env: [PATH], ExposedPorts: { '8080/tcp': {} } },
    files: {
      'usr/bin/random-generator': { content: RANDOM_GENERATOR, mode: 0o755 },
      'bin/nslookup': { content: NSLOOKUP, mode: 0o755 },
    },
    directories: { logs: 0o755, www: 0o755 },
  },
  {
    id: 'k8sdemo',
    names: ['docker.io/library/k8sdemo:1.0', 'docker.io/library/k8sdemo:latest'],
    packages: [...NGINX_PACKAGES, 'libtinfo6', 'bash', ...CURL_LIBRARIES, 'curl'],
    config: {
      Cmd: ['nginx', '-c', '/etc/nginx/k8sdemo.conf'],
      Env: [PATH],
      StopSignal: 'SIGQUIT',
      ExposedPorts: { '80/tcp': {} },
    },
    files: { 'etc/nginx/k8sdemo.conf': { content: K8SDEMO_CONF } },
    directories: { 'app/Data': 0o755, 'var/lib/nginx': 0o755, 'var/log/nginx': 0o755, run: 0o755 },
  },
  {
    id: 'zookeeper',
    names: ['docker.io/library/zookeeper:3.8', 'docker.io/library/zookeeper:3.8.0'],
    packages: [
      ...['libc6', 'zlib1g', 'libgcc-s1', 'libstdc++6', 'openjdk-17-jre-headless'],
      ...['libzookeeper-java', 'libnetty-java', 'libslf4j-java', 'libdropwizard-metrics-java', 'libsnappy-java'],
      'libcommons-cli-java',
    ],
    config: {
      Cmd: ['zookeeper-start'],
      Env: [`${PATH}:${JAVA_HOME}/bin`, `CLASSPATH=${CLASSPATH}`],
      ExposedPorts: { '2181/tcp': {}, '2888/tcp': {}, '3888/tcp': {} },
    },
    files: {
      'usr/bin/zookeeper-start': { content: ZOOKEEPER_START, mode: 0o755 },
      'usr/bin/zkCli.sh': { content: ZOOKEEPER_CLIENT, mode: 0o755 },
    },
    directories: { data: 0o755, conf: 0o755 },
  },
]
