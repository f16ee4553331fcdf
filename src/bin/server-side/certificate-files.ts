import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../cli/host/replace-file.ts'
import {
  type CertificateRequest,
  createAuthority,
  issueCertificate,
  type KeyPair,
  needsRenewal,
  type PkiDependencies,
} from '../../server/pki/certificate.ts'

/** The cluster's authority and the certificates that it gave to the server's own parts, kept as PEM files in one folder. */
export class CertificateFiles {
  readonly #folder: string
  readonly #dependencies: PkiDependencies

  constructor(folder: string, dependencies: PkiDependencies) {
    this.#folder = folder
    this.#dependencies = dependencies
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
  }

  /** Made on first use; it signs everything else and stays for the life of the cluster. */
  async authority(): Promise<KeyPair> {
    return this.#read('ca') ?? this.#write('ca', await createAuthority('holdfast-ca', this.#dependencies))
  }

  /** Whether this folder is of a cluster already, maybe of another than the store's. */
  get hasAuthority(): boolean {
    return this.#read('ca') !== undefined
  }

  /** Takes over the authority and token key of the cluster that this server joins. What it signed before is void. */
  adopt(authority: KeyPair, tokenKey: string): void {
    if (this.#read('ca')?.key === authority.key) return
    for (const file of readdirSync(this.#folder)) rmSync(this.#path(file))
    this.#write('ca', authority)
    this.#replace('service-account.key', tokenKey)
  }

  /** A certificate by this file name: the one on disk while it is good for what is asked, else a new one. */
  async certificate(name: string, request: CertificateRequest): Promise<KeyPair> {
    const known = this.#read(name)
    const asked = JSON.stringify(request)
    const isSame =
      existsSync(this.#path(`${name}.request`)) && readFileSync(this.#path(`${name}.request`), 'utf8') === asked
    if (known && isSame && !needsRenewal(known.certificate, this.#dependencies.clock)) return known
    const issued = this.#write(name, await issueCertificate(await this.authority(), request, this.#dependencies))
    this.#replace(`${name}.request`, asked)
    return issued
  }

  /** The private key, PEM, that signs tokens of service accounts. */
  tokenKey(): string {
    const path = this.#path('service-account.key')
    if (existsSync(path)) return readFileSync(path, 'utf8')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    this.#replace('service-account.key', pem)
    return pem
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }

  #read(name: string): KeyPair | undefined {
    const [certificate, key] = [this.#path(`${name}.crt`), this.#path(`${name}.key`)]
    if (!existsSync(certificate) || !existsSync(key)) return undefined
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
  }

  #write(name: string, pair: KeyPair): KeyPair {
    this.#replace(`${name}.key`, pair.key) // The key first: a certificate without its key would count as whole.
    this.#replace(`${name}.crt`, pair.certificate)
    return pair
  }

  #replace(file: string, text: string): void {
    replaceFile(this.#path(file), text)
  }
}
