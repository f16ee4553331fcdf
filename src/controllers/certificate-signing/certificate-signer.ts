/** Whom a PKCS#10 request asks to be. */
export interface RequestedSubject {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

export interface Grant extends RequestedSubject {
  readonly requestPem: string
  readonly usage: 'client' | 'server'
  readonly validForMs: number
}

/** The door to the cluster's certificate authority, whose key no controller ever sees. */
export interface CertificateSigner {
  /** Throws on text that is no request. */
  subjectOf(requestPem: string): RequestedSubject
  /** Certifies the key of the request for exactly what is granted; answers PEM. */
  sign(grant: Grant): Promise<string>
}
