import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../../clock.js';
import type { IotArns } from '../arns.js';
import type { Tables } from '../tables.js';
import type { Peer } from './peer.js';

/** Tells who a TLS connection comes from; undefined when its certificate is missing or not in force. */
export type Identify = (socket: TLSSocket) => Peer | undefined;

/**
 * Identifies devices by the SHA-256 of their certificate, as AWS IoT registers them. That the peer has the
 * certificate's key has been proven by the handshake.
 */
export function identifyByCertificate(tables: Tables, arns: IotArns, clock: Clock): Identify {
  return (socket) => {
    const certificateId = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase();
    const record = certificateId === undefined ? undefined : tables.certificates.get(certificateId);
    if (record?.status !== 'ACTIVE' || record.notAfter < clock.now()) return undefined;
    return {
      principal: {
        kind: 'certificate',
        arn: arns.certificate(record.certificateId),
        certificateId: record.certificateId,
      },
      ...addressOf(socket),
      domainName: typeof socket.servername === 'string' ? socket.servername : undefined,
    };
  };
}

/** Where a connection comes from; IPv4 addresses as such, also on a dual-stack socket. */
export function addressOf(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): {
  sourceIp: string;
  sourcePort: number;
} {
  return {
    sourceIp: (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
    sourcePort: socket.remotePort ?? 0,
  };
}
