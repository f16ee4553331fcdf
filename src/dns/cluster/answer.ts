import { type DomainName, Rcode, type ResourceRecord } from '../message/message.ts'

/** What is answered to one question. */
export interface Answer {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  /** The answers end in an alias of this name, which lies outside the cluster: its own records are still to be found. */
  readonly alias?: DomainName
}

export const failed = (rcode: number): Answer => ({
  rcode,
  authoritative: false,
  answers: [],
  authority: [],
  additional: [],
})

export const serverFailure: Answer = failed(Rcode.ServerFailure)
