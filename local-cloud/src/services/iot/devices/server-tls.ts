import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Clock, Timer } from '../../../clock.js';
import type { CertificateAuthority } from '../pki.js';

/** A TLS server whose credentials can be replaced while it runs. */
interface TlsServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** How often it is looked whether the server's certificate has to be renewed. */
const INTERVAL = 24 * 60 * 60 * 1000;

/** The TLS settings of the device listeners, whose certificate is renewed while they run. */
export class ServerTls {
  #timer: Timer | undefined;
  readonly #servers: TlsServer[] = [];

  constructor(
    private readonly authority: CertificateAuthority,
    private readonly names: readonly string[],
    private readonly clock: Clock,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Options of a listener with mutual TLS that speaks one of these application protocols, or none. */
  async options(protocols: readonly string[]): Promise<TlsOptions & SecureContextOptions> {
    return {
      ...(await this.#context()),
      requestCert: true,
      // Certificates are known by their fingerprints; who signed them says nothing (just like AWS IoT's
      // certificates that were registered without a CA).
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: [...protocols],
    };
  }

  /** Keeps the certificate of a server fresh from now on. */
  renew(server: TlsServer): void {
    this.#servers.push(server);
    if (!this.#timer) this.#wait();
  }

  close(): void {
    this.#timer?.cancel();
    this.#servers.length = 0;
  }

  #wait(): void {
    this.#timer = this.clock.after(INTERVAL, () => {
      this.#context()
        .then((context) => {
          for (const server of this.#servers) server.setSecureContext(context);
        })
        .catch(this.failed);
      this.#wait();
    });
  }

  async #context(): Promise<SecureContextOptions> {
    const { certificate, key } = await this.authority.serverCredentials(this.names);
    return { cert: certificate + this.authority.rootPem, key };
  }
}
