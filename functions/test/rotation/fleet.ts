import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingPrincipalsCommand,
  paginateListCertificates,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { names } from '@mooring/contracts';
import { ChallengePasswordAttribute, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { ManualClock } from '../../../local-cloud/src/index.js';
import { atEnd } from '../../../local-cloud/test/support/at-end.js';
import { clientConfig, startCloud } from '../../../local-cloud/test/support/cloud.js';
import { iotCertificates } from '../../src/rotation/certificates.js';
import { dataPlanePublish } from '../../src/rotation/outbox.js';
import type { RotationPorts } from '../../src/rotation/ports.js';
import { shadowStates } from '../../src/rotation/rotation-states.js';

/** A device as the cloud knows it. */
export interface Device {
  readonly thing: string;
  readonly certificateId: string;
  readonly certificateArn: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface Published {
  readonly topic: string;
  readonly message: Readonly<Record<string, unknown>>;
}

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** A local cloud with the fleet's device policy, for a test file. Its time stands still until it is moved. */
export async function openFleet() {
  const clock = new ManualClock(Date.now());
  const cloud = await startCloud({ clock });
  const iot = new IoTClient(clientConfig(cloud));
  const data = new IoTDataPlaneClient(clientConfig(cloud));
  atEnd(() => {
    iot.destroy();
    data.destroy();
  });
  const policyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
  });
  await iot.send(new CreatePolicyCommand({ policyName: names.devicePolicy, policyDocument }));

  let devices = 0;
  const states = shadowStates(data);
  const certificates = iotCertificates(iot, async () => undefined);
  const publish = dataPlanePublish(data);

  const fleet = {
    cloud,
    clock,
    iot,
    certificates,
    states,

    /** Ports on this cloud, with what they published and logged. */
    ports() {
      const published: Published[] = [];
      const lines: Record<string, unknown>[] = [];
      const ports: RotationPorts = {
        certificates,
        states,
        async publish(topic, message) {
          await publish(topic, message);
          published.push({ topic, message: { ...message } });
        },
        log: (event, fields) => lines.push({ event, ...fields }),
        now: () => clock.now(),
      };
      return { ...ports, published, lines };
    },

    /** A thing with an active certificate of its own. */
    async device(): Promise<Device> {
      devices += 1;
      const thing = `device-${devices}`;
      await iot.send(new CreateThingCommand({ thingName: thing }));
      return { thing, ...(await fleet.certificate(thing)) };
    },

    /** One more active certificate of a thing, made a second after whatever was made before. */
    async certificate(thing: string): Promise<Omit<Device, 'thing'>> {
      await clock.advance(1000);
      const keys = await newKeys();
      const { certificateId = '', certificateArn = '' } = await iot.send(
        new CreateCertificateFromCsrCommand({
          certificateSigningRequest: await csr({ keys }),
          setAsActive: true,
        }),
      );
      await fleet.attach(thing, certificateArn);
      await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target: certificateArn }));
      return { certificateId, certificateArn, keys };
    },

    async attach(thing: string, certificateArn: string, exclusively = true): Promise<void> {
      await iot.send(
        new AttachThingPrincipalCommand({
          thingName: thing,
          principal: certificateArn,
          thingPrincipalType: exclusively ? 'EXCLUSIVE_THING' : 'NON_EXCLUSIVE_THING',
        }),
      );
    },

    /** Ids of the certificates that are attached to a thing, in order. */
    async certificatesOf(thing: string): Promise<string[]> {
      const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName: thing }));
      return principals.map((principal) => principal.split('/')[1] ?? '').sort();
    },

    async policiesOf(certificateArn: string): Promise<(string | undefined)[]> {
      const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: certificateArn }));
      return policies.map(({ policyName }) => policyName);
    },

    /** Ids of all certificates of the account. */
    async allCertificates(): Promise<Set<string>> {
      const ids = new Set<string>();
      for await (const { certificates: page = [] } of paginateListCertificates({ client: iot }, {})) {
        for (const { certificateId = '' } of page) ids.add(certificateId);
      }
      return ids;
    },
  };
  return fleet;
}

export type Fleet = Awaited<ReturnType<typeof openFleet>>;

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export function newKeys(algorithm: object = P256): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, ['sign', 'verify']);
}

/** A signing request in PEM. */
export async function csr(options: {
  keys?: webcrypto.CryptoKeyPair;
  name?: string;
  challengePassword?: string;
  signingAlgorithm?: object;
}): Promise<string> {
  const { challengePassword } = options;
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys: options.keys ?? (await newKeys()),
    ...(options.name !== undefined && { name: [{ CN: [options.name] }] }),
    signingAlgorithm: (options.signingAlgorithm ?? { name: 'ECDSA', hash: 'SHA-256' }) as EcdsaParams,
    ...(challengePassword !== undefined && {
      attributes: [new ChallengePasswordAttribute(challengePassword)],
    }),
  });
  return request.toString('pem');
}
type EcdsaParams = webcrypto.EcdsaParams & { hash: string };

/** The id that a certificate would have. */
export const someCertificateId = (text: string) => createHash('sha256').update(text).digest('hex');

/** The process of a function was ended from outside. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

const READS = new Set(['ofThing', 'thingsOf', 'find', 'newestFirst', 'read']);

/**
 * Ports that fail at the nth effect on the cloud. A `crash` has it done and does nothing any more from then on;
 * an `error` does not do it, and goes on.
 */
export function failing<T extends RotationPorts>(ports: T, nth: number, how: 'crash' | 'error'): T {
  let effects = 0;
  let isDead = false;
  const wrap =
    <F extends (...args: never[]) => unknown>(name: string, call: F) =>
    (...args: Parameters<F>): unknown => {
      if (isDead) throw new Crash(name);
      if (READS.has(name)) return call(...args);
      return (async () => {
        effects += 1;
        if (effects !== nth) return call(...args);
        if (how === 'error') throw new Crash(name);
        await call(...args);
        isDead = true;
        throw new Crash(name);
      })();
    };
  const wrapAll = <O extends object>(port: O): O =>
    Object.fromEntries(Object.entries(port).map(([name, call]) => [name, wrap(name, call)])) as O;
  return {
    ...ports,
    certificates: wrapAll(ports.certificates),
    states: wrapAll(ports.states),
    publish: wrap('publish', ports.publish),
  };
}
