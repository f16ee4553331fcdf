/** A long-running part of a cluster: scheduler, kubelet, DNS server, a controller. */
export interface Component {
  /** For logs and `holdfast status`. */
  readonly name: string
  /**
   * Works until `signal` is aborted, then ends everything it started and resolves. Rejects only when it cannot go on;
   * whoever runs it then decides whether to start another.
   */
  run(signal: AbortSignal): Promise<void>
}
