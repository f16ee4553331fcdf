import type { Node } from '../api/core-v1/types.ts'

/** The IPv4 address at which other machines reach this one; undefined until its kubelet has said so. */
export const machineAddressOf = ({ status }: Node): string | undefined =>
  status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
