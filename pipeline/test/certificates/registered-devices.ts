// @peculiar/x509's dependency injection needs it to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AddThingToThingGroupCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  RegisterCertificateWithoutCACommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { names, type RotationState } from '@mooring/contracts';
import { X509CertificateGenerator } from '@peculiar/x509';
import { clientConfig, type Target } from '../../src/target.js';

const DAY = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Things with certificates that were made elsewhere, so that they expire when a test wants them to. */
export class RegisteredDevices {
  readonly #iot: IoTClient;
  readonly #data: IoTDataPlaneClient;

  constructor(target: Target) {
    this.#iot = new IoTClient(clientConfig(target));
    this.#data = new IoTDataPlaneClient(clientConfig(target));
  }

  async makeGroup(): Promise<void> {
    await this.#iot.send(new CreateThingGroupCommand({ thingGroupName: names.thingGroup }));
  }

  /** A thing of the fleet. */
  async join(thingName: string): Promise<void> {
    await this.#iot.send(new CreateThingCommand({ thingName }));
    await this.#iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName: names.thingGroup }));
  }

  /** Gives a thing an active certificate that ends in so many days; returns its id. */
  async certify(thingName: string, days: number): Promise<string> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${thingName}`,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 365 * DAY),
      notAfter: new Date(Date.now() + days * DAY),
    });
    const { certificateArn: principal, certificateId = '' } = await this.#iot.send(
      new RegisterCertificateWithoutCACommand({
        certificatePem: certificate.toString('pem'),
        status: 'ACTIVE',
      }),
    );
    await this.#iot.send(new AttachThingPrincipalCommand({ thingName, principal }));
    return certificateId;
  }

  /** Writes what the rotation's functions would. */
  async report(thingName: string, reported: RotationState): Promise<void> {
    await this.#data.send(
      new UpdateThingShadowCommand({
        thingName,
        shadowName: names.rotationShadow,
        payload: Buffer.from(JSON.stringify({ state: { reported } })),
      }),
    );
  }

  /** Ids of the certificates of a thing. */
  async certificatesOf(thingName: string): Promise<string[]> {
    const { principals = [] } = await this.#iot.send(new ListThingPrincipalsCommand({ thingName }));
    return principals.map((principal) => principal.slice(principal.lastIndexOf('/') + 1));
  }

  /** Takes a certificate away from a thing and deletes it. */
  async retire(thingName: string, certificateId: string): Promise<void> {
    const { certificateDescription } = await this.#iot.send(
      new DescribeCertificateCommand({ certificateId }),
    );
    const principal = certificateDescription?.certificateArn;
    await this.#iot.send(new DetachThingPrincipalCommand({ thingName, principal }));
    await this.#iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' }));
    await this.#iot.send(new DeleteCertificateCommand({ certificateId }));
  }

  close(): void {
    this.#iot.destroy();
    this.#data.destroy();
  }
}
