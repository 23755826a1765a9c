import { CertificateAckMessage, CsrRequestMessage, parseMessage, topics } from '@mooring/contracts';
import type { Payload } from '../../runtime/src/bus.js';
import type { Component } from '../../runtime/src/component.js';
import { shown } from '../../runtime/src/log.js';
import type { CertificateStore } from './certificate-store.js';
import { readIssuedCertificate } from './issued-certificate.js';

/** What becomes of the cloud's messages: each is put on the disk, or ignored with a line in the log. */
export interface MessageHandlers {
  requested(payload: Payload): Promise<void>;
  issued(payload: Payload): Promise<void>;
  confirmed(payload: Payload): Promise<void>;
}

export function messageHandlers(
  { thing, log }: Pick<Component, 'thing' | 'log'>,
  {
    store,
    now,
    random,
  }: { readonly store: CertificateStore; readonly now: () => number; readonly random: () => number },
): MessageHandlers {
  const ignore = (topic: string, payload: Payload, why: string) =>
    log.problem(`Ignored ${shown(payload)} on ${topic}: ${why}.`);

  return {
    async requested(payload) {
      const topic = topics.csrRequest(thing);
      const message = parseMessage(CsrRequestMessage, payload);
      if (!message.ok) return ignore(topic, payload, message.problem);
      const { current, next, request } = await store.read();
      if (next || (current.issued && !current.isGivenUp)) {
        return ignore(topic, payload, 'a rotation is under way already');
      }
      const { withinSeconds = 0 } = message.value;
      const at = Math.round(now() + random() * withinSeconds * 1000);
      // A request that is noted already is not put off by another.
      if (request && request.at <= at) {
        return ignore(topic, payload, `a rotation is due on ${new Date(request.at).toISOString()} already`);
      }
      await store.request(at);
      log.info(`The cloud asks to rotate the certificate; begins on ${new Date(at).toISOString()}.`);
    },

    async issued(payload) {
      const topic = topics.certificate(thing);
      const message = readIssuedCertificate(payload, now());
      if (!message.ok) return ignore(topic, payload, message.problem);
      const { issued, certificate, isFor } = message.value;
      const { next } = await store.read();
      if (!next || !isFor(next.privateKey)) {
        return ignore(topic, payload, 'it is not for a key that a certificate was asked for');
      }
      if (next.issued && next.certificate !== undefined) {
        return ignore(topic, payload, 'there is a certificate for this key already');
      }
      await store.keep(next, certificate, issued);
      log.info(`Received the new certificate ${issued.certificateId}.`);
    },

    async confirmed(payload) {
      const topic = topics.certificateDone(thing);
      const message = parseMessage(CertificateAckMessage, payload);
      if (!message.ok) return ignore(topic, payload, message.problem);
      const { current } = await store.read();
      if (current.issued?.certificateArn !== message.value.certificateArn) {
        return ignore(topic, payload, 'it is not the certificate that the cloud was told of');
      }
      await store.confirm(current);
      log.info(
        `The rotation is complete: ${current.issued.certificateId} is the device's only certificate, and the old key is deleted.`,
      );
    },
  };
}
