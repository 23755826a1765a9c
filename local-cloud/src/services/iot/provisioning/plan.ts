import { z } from 'zod';
import { type Parameters, resolve } from './intrinsics.js';
import { type Override, type TemplateBody, TemplateError } from './template-body.js';

/** What a provisioning template asks for, with all its functions resolved. */
export interface ProvisioningPlan {
  readonly thing: PlannedThing | undefined;
  readonly certificate: PlannedCertificate | undefined;
  readonly policies: readonly PlannedPolicy[];
  readonly deviceConfiguration: Readonly<Record<string, unknown>>;
}

export interface PlannedThing {
  readonly logicalName: string;
  readonly thingName: string;
  readonly thingTypeName: string | undefined;
  readonly attributes: Readonly<Record<string, string>> | undefined;
  readonly groups: readonly string[] | undefined;
  /** For a thing that exists already. */
  readonly overrides: {
    readonly thingTypeName: Override;
    readonly attributes: Override;
    readonly groups: Override;
  };
}

export interface PlannedCertificate {
  readonly logicalName: string;
  readonly source: { readonly id: string } | { readonly csr: string } | { readonly pem: string };
  readonly status: 'ACTIVE' | 'INACTIVE';
  readonly statusOverride: Override;
  readonly exclusive: boolean;
}

export interface PlannedPolicy {
  readonly logicalName: string;
  readonly source: { readonly name: string } | { readonly document: string };
}

const thingSchema = z.object({
  ThingName: z.string(),
  ThingTypeName: z.string().optional(),
  AttributePayload: z.record(z.string(), z.string()).optional(),
  ThingGroups: z.array(z.string()).optional(),
});

const certificateSchema = z
  .object({
    CertificateId: z.string().optional(),
    CertificateSigningRequest: z.string().optional(),
    CertificatePem: z.string().optional(),
    Status: z
      .string()
      .transform((status) => status.toUpperCase())
      .pipe(z.enum(['ACTIVE', 'INACTIVE']))
      .default('ACTIVE'),
    ThingPrincipalType: z.enum(['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING']).optional(),
  })
  .refine(
    (properties) => certificateSource(properties) !== undefined,
    'a certificate needs one of CertificateId, CertificateSigningRequest and CertificatePem',
  );

const policySchema = z
  .object({
    PolicyName: z.string().optional(),
    // As text or, as most of AWS's examples have it, as the JSON itself.
    PolicyDocument: z
      .union([
        z.string(),
        z.record(z.string(), z.unknown()).transform((document) => JSON.stringify(document)),
      ])
      .optional(),
  })
  .refine(
    ({ PolicyName, PolicyDocument }) => (PolicyName === undefined) !== (PolicyDocument === undefined),
    'a policy needs either PolicyName or PolicyDocument',
  );

/**
 * Plans what a template makes with these parameters.
 *
 * @param given what the device sent, with what the hook overrode.
 * @param pseudo parameters that AWS IoT itself gives, such as `AWS::IoT::Certificate::Id`; they win.
 * @throws TemplateError when a parameter is missing or unknown, or a resource has other properties than it takes.
 */
export function planProvisioning(
  body: TemplateBody,
  given: Parameters,
  pseudo: Parameters = {},
): ProvisioningPlan {
  const parameters: Record<string, string> = {};
  for (const [name, { defaultValue }] of Object.entries(body.parameters)) {
    const value = own(pseudo, name) ?? own(given, name) ?? defaultValue;
    if (value === undefined)
      throw new TemplateError(`Parameter ${name} is required by the template and has no value`);
    parameters[name] = value;
  }
  Object.assign(parameters, pseudo);
  const resolved = <T>(schema: z.ZodType<T>, logicalName: string, value: unknown): T => {
    const result = schema.safeParse(resolve(value, parameters, body.mappings));
    if (result.success) return result.data;
    const problem = z.prettifyError(result.error).replace(/\s*\n\s*/g, ' ');
    throw new TemplateError(`Resource ${logicalName} of the template is invalid: ${problem}`);
  };

  let thing: PlannedThing | undefined;
  let certificate: PlannedCertificate | undefined;
  const policies: PlannedPolicy[] = [];
  for (const [logicalName, { type, properties, overrides }] of Object.entries(body.resources)) {
    if (type === 'AWS::IoT::Thing') {
      const found = resolved(thingSchema, logicalName, properties);
      thing = {
        logicalName,
        thingName: found.ThingName,
        thingTypeName: found.ThingTypeName,
        attributes: found.AttributePayload,
        groups: found.ThingGroups,
        overrides: {
          thingTypeName: overrides.ThingTypeName ?? 'DO_NOTHING',
          attributes: overrides.AttributePayload ?? 'DO_NOTHING',
          groups: overrides.ThingGroups ?? 'DO_NOTHING',
        },
      };
    } else if (type === 'AWS::IoT::Certificate') {
      const found = resolved(certificateSchema, logicalName, properties);
      const source = certificateSource(found);
      if (!source) throw new TemplateError(`Resource ${logicalName} of the template names no certificate`);
      certificate = {
        logicalName,
        source,
        status: found.Status,
        statusOverride: overrides.Status ?? 'REPLACE',
        exclusive: found.ThingPrincipalType === 'EXCLUSIVE_THING',
      };
    } else {
      const { PolicyName, PolicyDocument } = resolved(policySchema, logicalName, properties);
      const source = PolicyName === undefined ? { document: PolicyDocument ?? '' } : { name: PolicyName };
      policies.push({ logicalName, source });
    }
  }
  const deviceConfiguration = resolved(
    z.record(z.string(), z.unknown()),
    'DeviceConfiguration',
    body.deviceConfiguration ?? {},
  );
  return { thing, certificate, policies, deviceConfiguration };
}

function certificateSource(properties: {
  CertificateId?: string | undefined;
  CertificateSigningRequest?: string | undefined;
  CertificatePem?: string | undefined;
}): PlannedCertificate['source'] | undefined {
  if (properties.CertificateId !== undefined) return { id: properties.CertificateId };
  if (properties.CertificateSigningRequest !== undefined)
    return { csr: properties.CertificateSigningRequest };
  if (properties.CertificatePem !== undefined) return { pem: properties.CertificatePem };
  return undefined;
}

/** A parameter that was given, not a member that all objects have. */
function own(parameters: Parameters, name: string): string | undefined {
  return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}
