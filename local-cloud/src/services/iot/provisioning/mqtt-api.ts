import type { Log } from '../../../log.js';
import type { Broker, InboundPublish } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import { principalIdentifier } from '../devices/principal-identifier.js';
import type { IotLog } from '../logging/iot-log.js';
import { ProvisioningError, provisioningError } from './errors.js';
import type { FleetProvisioning, Requester } from './fleet-provisioning.js';

const CREATE = '$aws/certificates/create/json';
const CREATE_FROM_CSR = '$aws/certificates/create-from-csr/json';
const TEMPLATES = '$aws/provisioning-templates/';
const PROVISION = /^\$aws\/provisioning-templates\/([^/]+)\/provision\/json$/;
/** Requests under way for one client; more are rejected. */
const MOST_PENDING = 20;

type Json = Readonly<Record<string, unknown>>;

/** Answers the fleet provisioning MQTT API, in JSON. Each answer goes to the client that asked and to no other. */
export function serveFleetProvisioning(
  broker: Broker<Peer>,
  provisioning: FleetProvisioning,
  log: Log,
  iotLog: IotLog,
): void {
  const pending = new Map<string, number>();

  async function answer(
    { topic, client, payload }: InboundPublish<Peer>,
    operation: (payload: unknown, requester: Requester) => Promise<Json>,
  ): Promise<void> {
    if (!client) return;
    const { clientId, peer } = client;
    const reply = (suffix: 'accepted' | 'rejected', body: Json) =>
      broker.publish(
        { topic: `${topic}/${suffix}`, payload: Buffer.from(JSON.stringify(body)) },
        { to: client },
      );
    // Counted whether it is let through or not: each one that has begun also ends.
    const count = (pending.get(clientId) ?? 0) + 1;
    pending.set(clientId, count);
    try {
      if (peer.principal.kind !== 'certificate') {
        throw new ProvisioningError('AccessDenied', 'Fleet provisioning needs a claim certificate.');
      }
      if (count > MOST_PENDING) {
        throw new ProvisioningError('AccessDenied', 'Too many requests are under way.');
      }
      const requester = { clientId, claimCertificateId: peer.principal.certificateId };
      await reply('accepted', await operation(parse(payload), requester));
    } catch (error) {
      const rejection = provisioningError(error);
      if (!rejection) log('error', 'Fleet provisioning failed', { topic, clientId, error: String(error) });
      const { payload: body } =
        rejection ?? new ProvisioningError('InternalFailure', 'The request failed for an unknown reason.');
      iotLog.write(
        'ERROR',
        {
          ...provisioningEvent(topic),
          deviceCertificateId: principalIdentifier(peer.principal),
          ...{ reason: body.errorCode, details: body.errorMessage },
        },
        { clientId, principalId: principalIdentifier(peer.principal), sourceIp: peer.sourceIp },
      );
      await reply('rejected', body);
    } finally {
      const left = (pending.get(clientId) ?? 1) - 1;
      if (left > 0) pending.set(clientId, left);
      else pending.delete(clientId);
    }
  }

  broker.intercept(CREATE, (publish) => {
    if (publish.topic !== CREATE) return undefined;
    return answer(publish, () => provisioning.createKeysAndCertificate());
  });
  broker.intercept(CREATE_FROM_CSR, (publish) => {
    if (publish.topic !== CREATE_FROM_CSR) return undefined;
    return answer(publish, (payload) => provisioning.createCertificateFromCsr(payload));
  });
  broker.intercept(TEMPLATES, (publish) => {
    const templateName = PROVISION.exec(publish.topic)?.[1];
    if (templateName === undefined) return undefined;
    return answer(publish, (payload, requester) =>
      provisioning.registerThing(templateName, payload, requester),
    );
  });
}

/** As the log calls what is asked for: credentials, or a device of a template. */
function provisioningEvent(topic: string) {
  const provisioningTemplateName = PROVISION.exec(topic)?.[1];
  if (provisioningTemplateName === undefined) return { eventType: 'GetDeviceCredentials' };
  return { eventType: 'ProvisionDevice', provisioningTemplateName };
}

function parse(payload: Uint8Array): unknown {
  // CreateKeysAndCertificate has an empty payload.
  if (payload.length === 0) return {};
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    throw new ProvisioningError('InvalidPayload', 'The payload is not JSON.');
  }
}
