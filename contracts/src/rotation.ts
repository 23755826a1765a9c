import { z } from 'zod';

/**
 * Payload of `device/{thing}/csr_req`. `{}` asks for a rotation now; `withinSeconds` lets the device choose a
 * moment of that many seconds from now at random, so that a fleet that is asked at once does not answer at once.
 */
export const CsrRequestMessage = z.object({ withinSeconds: z.number().int().min(0).max(604_800).optional() });
export type CsrRequestMessage = z.infer<typeof CsrRequestMessage>;

/** Payload of `lambda/{thing}/csr_res`: a PKCS #10 certificate signing request in PEM (RFC 2986, RFC 7468). */
export const CsrMessage = z.object({ csr: z.string().min(1).max(8_192) });
export type CsrMessage = z.infer<typeof CsrMessage>;

/** Payload of `device/{thing}/crt`: the certificate that was issued for the signing request. */
export const CertificateMessage = z.object({
  certificateArn: z.string().min(1),
  /** SHA-256 of the DER encoding in lower-case hexadecimal. */
  certificateId: z.string().regex(/^[0-9a-f]{64}$/),
  certificatePem: z.string().min(1),
});
export type CertificateMessage = z.infer<typeof CertificateMessage>;

/**
 * Payload of `lambda/{thing}/crt_ack`, published over a connection that was made with this certificate; and of
 * `device/{thing}/crt_done`, which answers that it is now the only certificate of the device.
 */
export const CertificateAckMessage = z.object({ certificateArn: z.string().min(1) });
export type CertificateAckMessage = z.infer<typeof CertificateAckMessage>;

/**
 * What the rules `CsrTrigger` and `CrtAckTrigger` add to a device's message before a function gets it. All of it
 * comes from the connection and the topic, nothing from the payload.
 */
const RuleContext = z.object({
  /** The `{thing}` of the topic, which the device policy lets nobody but this thing publish to. */
  thing: z.string(),
  /** SQL function `principal()`: for an X.509 connection the certificate id. */
  principal: z.string(),
  /** SQL function `clientid()`. */
  clientId: z.string(),
});

/** Event of the function behind the rule `CsrTrigger`. */
export const CsrEvent = RuleContext.extend({ csr: z.unknown() });
export type CsrEvent = z.infer<typeof CsrEvent>;

/** Event of the function behind the rule `CrtAckTrigger`. */
export const CertificateAckEvent = RuleContext.extend({ certificateArn: z.unknown() });
export type CertificateAckEvent = z.infer<typeof CertificateAckEvent>;

/** Event that asks the requesting function for the rotation of things by name, now. */
export const RotateThingsEvent = z.object({ things: z.array(z.string()).min(1).max(1_000) });
export type RotateThingsEvent = z.infer<typeof RotateThingsEvent>;

/** What the requesting function answers to a {@link RotateThingsEvent}: each thing is in one of the two. */
export const RotateThingsAnswer = z.object({
  /** Names of the things that were asked for a signing request. */
  requested: z.array(z.string()),
  /** Those that were not, each with one sentence on why. */
  refused: z.array(z.object({ thing: z.string(), reason: z.string() })),
});
export type RotateThingsAnswer = z.infer<typeof RotateThingsAnswer>;

/**
 * How far a device's rotation is: `state.reported` of its named shadow {@link names.rotationShadow}, which the
 * functions write and the device policy lets no device write.
 *
 * - `requested`: the device was asked for a signing request
 * - `issued`: a new certificate was signed and sent
 * - `completed`: the device was seen with the new certificate, and all others are gone
 * - `refused`: a signing request was refused; `reason` says why
 */
export const RotationState = z.object({
  stage: z.enum(['requested', 'issued', 'completed', 'refused']),
  /** Milliseconds since 1970. */
  at: z.number(),
  /** The certificate that is to be replaced (`requested`, `refused`), or the new one. */
  certificateId: z.string().nullish(),
  reason: z.string().nullish(),
});
export type RotationState = z.infer<typeof RotationState>;
