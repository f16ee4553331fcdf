/** A complete cluster inside a test process: `import { startCluster } from 'holdfast/testing'`. */
export { Cluster, type Manifest } from './cluster.ts'
export type { SettleOptions } from './settle.ts'
export { type ClusterOptions, type SimulatedNode, startCluster } from './start-cluster.ts'
