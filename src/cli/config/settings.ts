import { featureGateNames, isFeatureGate } from '../../machinery/feature-gates.ts'
import { nearestTo } from '../nearest.ts'

/**
 * Every setting of a cluster, said once: as a flag (`--data-dir`), as an environment variable (`HOLDFAST_DATA_DIR`) and
 * as a key of the YAML file (`dataDir`). A flag wins over the environment, the environment over the file.
 */
export interface Setting {
  /** The flag without its dashes. */
  readonly flag: string
  readonly type: 'text' | 'number' | 'switch' | 'list'
  readonly default?: string | number | boolean | readonly string[]
  /** In `--help`, after the flag. */
  readonly placeholder?: string
  readonly help: string
  /** What is wrong with a value, or with one item of a list, in words; undefined when it is fine. */
  readonly problem?: (value: string) => string | undefined
}

const isPort = (value: string): string | undefined =>
  /^\d+$/.test(value) && Number(value) > 0 && Number(value) < 65536 ? undefined : 'must be a port from 1 to 65535'

const isRange = (value: string): string | undefined =>
  /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(value) ? undefined : 'must be an IPv4 range such as 10.244.0.0/16'

const isStore = (value: string): string | undefined =>
  /^(lmdb|etcd|memory):/.test(value)
    ? undefined
    : 'must be lmdb:///PATH, etcd://HOST:PORT[,HOST:PORT…][/PREFIX] or memory:'

const isMirror = (value: string): string | undefined =>
  /^[a-z0-9.-]+(:\d+)?=https?:\/\/[^\s"]+$/i.test(value)
    ? undefined
    : 'must be HOST=URL, such as docker.io=http://127.0.0.1:5000'

const isNodeCount = (value: string): string | undefined =>
  /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 50
    ? undefined
    : 'must be a number of machines from 1 to 50'

const gateList = featureGateNames.join(', ')

function isGateSetting(setting: string): string | undefined {
  const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(setting) ?? []
  if (!isFeatureGate(name)) {
    const near = nearestTo(name, featureGateNames)
    return `names no feature gate${near ? `, did you mean ${near}?` : ''} (there are ${gateList})`
  }
  return value === 'true' || value === 'false' ? undefined : `must be ${name}=true or ${name}=false`
}

export const clusterSettings = {
  dataDir: {
    flag: 'data-dir',
    type: 'text',
    default: '/var/lib/holdfast',
    placeholder: 'DIR',
    help: 'where everything that must last is kept',
  },
  port: { flag: 'port', type: 'number', default: 6443, placeholder: 'PORT', help: 'port of the API', problem: isPort },
  bindAddress: {
    flag: 'bind-address',
    type: 'text',
    default: '0.0.0.0',
    placeholder: 'IP',
    help: 'address that the API listens on',
  },
  advertiseAddress: {
    flag: 'advertise-address',
    type: 'text',
    placeholder: 'IP',
    help: 'address under which others reach this server (default: that of the default route)',
  },
  tlsSan: {
    flag: 'tls-san',
    type: 'list',
    default: [],
    placeholder: 'NAME',
    help: 'further names or addresses in the server certificate',
  },
  store: {
    flag: 'store',
    type: 'text',
    placeholder: 'URL',
    help: 'lmdb:///PATH (default, below the data directory), etcd://HOST:PORT[,…][/PREFIX] or memory:',
    problem: isStore,
  },
  storeCa: { flag: 'store-ca', type: 'text', placeholder: 'FILE', help: 'certificate authority of etcd' },
  storeCert: { flag: 'store-cert', type: 'text', placeholder: 'FILE', help: 'client certificate for etcd' },
  storeKey: { flag: 'store-key', type: 'text', placeholder: 'FILE', help: 'key of the client certificate for etcd' },
  nodes: {
    flag: 'nodes',
    type: 'number',
    default: 1,
    placeholder: 'N',
    help: 'machines to make on this one, each with its own network and containerd',
    problem: isNodeCount,
  },
  name: {
    flag: 'name',
    type: 'list',
    default: [],
    placeholder: 'NAME',
    help: 'names of the machines, in order (default: master, node1, node2 …; one machine: the host name)',
  },
  podCidr: {
    flag: 'pod-cidr',
    type: 'text',
    default: '10.244.0.0/16',
    placeholder: 'RANGE',
    help: 'addresses of Pods; every machine gets a /24 of it',
    problem: isRange,
  },
  serviceCidr: {
    flag: 'service-cidr',
    type: 'text',
    default: '10.96.0.0/12',
    placeholder: 'RANGE',
    help: 'addresses of Services',
    problem: isRange,
  },
  clusterDns: {
    flag: 'cluster-dns',
    type: 'text',
    default: '10.96.0.10',
    placeholder: 'IP',
    help: 'address of the cluster DNS',
  },
  clusterDomain: {
    flag: 'cluster-domain',
    type: 'text',
    default: 'cluster.local',
    placeholder: 'DOMAIN',
    help: 'domain of the cluster',
  },
  criEndpoint: {
    flag: 'cri-endpoint',
    type: 'text',
    placeholder: 'SOCKET',
    help: 'use this containerd instead of an own one',
  },
  registryMirror: {
    flag: 'registry-mirror',
    type: 'list',
    default: [],
    placeholder: 'HOST=URL',
    help: 'pull images of a registry from somewhere else',
    problem: isMirror,
  },
  defaultStorage: {
    flag: 'default-storage',
    type: 'switch',
    default: true,
    help: 'make the class "standard" the default for claims that name none',
  },
  historyMinutes: {
    flag: 'history-minutes',
    type: 'number',
    default: 5,
    placeholder: 'N',
    help: 'how long old revisions are kept for watches and paging',
  },
  featureGates: {
    flag: 'feature-gates',
    type: 'list',
    default: [],
    placeholder: 'NAME=true|false',
    help: `switch features: ${gateList}`,
    problem: isGateSetting,
  },
  logLevel: {
    flag: 'log-level',
    type: 'text',
    default: 'info',
    placeholder: 'LEVEL',
    help: 'debug, info, warn or error',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof clusterSettings

type Settings = typeof clusterSettings

interface ValueTypes {
  readonly text: string
  readonly number: number
  readonly switch: boolean
  readonly list: readonly string[]
}

/** All settings with their values; those without a default may be absent. */
export type ClusterConfig = {
  readonly [Name in SettingName]: Settings[Name] extends { readonly default: unknown }
    ? ValueTypes[Settings[Name]['type']]
    : ValueTypes[Settings[Name]['type']] | undefined
}
