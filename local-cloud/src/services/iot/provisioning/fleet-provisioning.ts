import { z } from 'zod';
import type { Clock } from '../../../clock.js';
import type { Log } from '../../../log.js';
import type { FunctionInvoker } from '../../lambda/invoker.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { CertificateAuthority } from '../pki.js';
import type { Certificates } from '../registry/certificates.js';
import type { CertificateRecord } from '../tables.js';
import { ProvisioningError } from './errors.js';
import { askHook } from './hook.js';
import type { OwnershipTokens } from './ownership-tokens.js';
import { planProvisioning } from './plan.js';
import type { Registrar } from './registrar.js';
import type { Templates } from './templates.js';

/** The device that asks. */
export interface Requester {
  readonly clientId: string;
  readonly claimCertificateId: string;
}

type Json = Readonly<Record<string, unknown>>;

const csrRequest = z.object({ certificateSigningRequest: z.string().min(1) });
const registerRequest = z.object({
  certificateOwnershipToken: z.string().min(1),
  parameters: z.record(z.string(), z.string()).nullish(),
});

/**
 * The operations of the fleet provisioning MQTT API (AWS IoT developer guide, "Device provisioning MQTT API"),
 * apart from MQTT: parsed payloads in and out. They throw {@link ProvisioningError}, or what the AWS IoT
 * operations behind them throw.
 */
export class FleetProvisioning {
  constructor(
    private readonly parts: {
      readonly arns: IotArns;
      readonly changes: Changes;
      readonly clock: Clock;
      readonly log: Log;
      readonly authority: CertificateAuthority;
      readonly certificates: Certificates;
      readonly tokens: OwnershipTokens;
      readonly templates: Templates;
      readonly registrar: Registrar;
      readonly invoker: FunctionInvoker | undefined;
    },
  ) {}

  async createKeysAndCertificate(): Promise<Json> {
    const { keyPair, ...issued } = await this.parts.authority.issueWithKeys();
    return { ...this.#register(issued), privateKey: keyPair.privateKey };
  }

  async createCertificateFromCsr(payload: unknown): Promise<Json> {
    const request = csrRequest.safeParse(payload);
    if (!request.success) {
      throw new ProvisioningError('InvalidPayload', 'certificateSigningRequest cannot be empty.');
    }
    try {
      const issued = await this.parts.authority.signRequest(request.data.certificateSigningRequest);
      return this.#register(issued);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'InvalidRequestException') throw error;
      throw new ProvisioningError('InvalidCertificateSigningRequest', error.message);
    }
  }

  async registerThing(templateName: string, payload: unknown, requester: Requester): Promise<Json> {
    const request = registerRequest.safeParse(payload);
    if (!request.success) throw badRegistration(payload);
    const { certificateOwnershipToken: token } = request.data;
    const { record, body } = this.parts.templates.inForce(templateName);
    if (!record.enabled) {
      throw new ProvisioningError('InvalidTemplate', `Provisioning template ${templateName} is not enabled.`);
    }
    const certificate = this.#owned(token);
    let parameters = request.data.parameters ?? {};
    if (record.hook) {
      const overrides = await this.#askHook(
        record.hook.targetArn,
        templateName,
        certificate,
        parameters,
        requester,
      );
      parameters = { ...parameters, ...overrides };
    }
    const pseudo = { 'AWS::IoT::Certificate::Id': certificate.certificateId };
    const plan = planProvisioning(body, parameters, pseudo);
    const source = plan.certificate?.source;
    if (source && !('id' in source && source.id === certificate.certificateId)) {
      throw new ProvisioningError(
        'InvalidParameters',
        'The template must provision the certificate that the ownership token stands for.',
      );
    }
    const { thingName } = await this.parts.registrar.register(plan);
    this.parts.log('info', 'A device was provisioned', { thingName, templateName });
    return {
      deviceConfiguration: plan.deviceConfiguration,
      ...(thingName !== undefined && { thingName }),
    };
  }

  #register(issued: Parameters<Certificates['register']>[0]) {
    const { changes, certificates, tokens } = this.parts;
    return changes.transaction(() => {
      const { certificateId, pem } = certificates.register(issued, 'PENDING_ACTIVATION');
      return { certificateId, certificatePem: pem, certificateOwnershipToken: tokens.issue(certificateId) };
    });
  }

  #owned(token: string): CertificateRecord {
    const certificateId = this.parts.tokens.certificateOf(token);
    if (certificateId === undefined) {
      throw new ProvisioningError(
        'InvalidCertificateOwnershipToken',
        'Certificate ownership token is invalid or has expired.',
      );
    }
    return this.parts.certificates.existing(certificateId);
  }

  async #askHook(
    functionArn: string,
    templateName: string,
    certificate: CertificateRecord,
    parameters: Readonly<Record<string, string>>,
    requester: Requester,
  ): Promise<Readonly<Record<string, string>>> {
    const { invoker, clock, arns, log } = this.parts;
    const answer = await askHook(invoker, clock, functionArn, {
      ...requester,
      certificateId: certificate.certificateId,
      certificatePem: certificate.pem,
      templateArn: arns.template(templateName),
      parameters,
    });
    if (answer.allowed) return answer.parameterOverrides;
    log('warn', 'A device was refused provisioning', { templateName, ...requester, because: answer.because });
    throw new ProvisioningError(
      'AccessDenied',
      'Access Denied: the pre-provisioning hook refused the device.',
    );
  }
}

function badRegistration(payload: unknown): ProvisioningError {
  const { certificateOwnershipToken: token } = (payload ?? {}) as Json;
  return token === undefined || token === ''
    ? new ProvisioningError(
        'InvalidCertificateOwnershipToken',
        'Certificate ownership token cannot be empty.',
      )
    : new ProvisioningError(
        'InvalidPayload',
        'The payload must have certificateOwnershipToken and parameters, a map of texts.',
      );
}
