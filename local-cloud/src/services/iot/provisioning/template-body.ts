import { z } from 'zod';

/** What is wrong with a provisioning template or its parameters, in one sentence. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** A provisioning template (AWS IoT developer guide, "Provisioning templates"), before its functions are resolved. */
export interface TemplateBody {
  readonly parameters: Readonly<Record<string, { readonly defaultValue: string | undefined }>>;
  readonly mappings: unknown;
  readonly resources: Readonly<Record<string, TemplateResource>>;
  readonly deviceConfiguration: unknown;
}

export interface TemplateResource {
  readonly type: 'AWS::IoT::Thing' | 'AWS::IoT::Certificate' | 'AWS::IoT::Policy';
  readonly properties: unknown;
  readonly overrides: Readonly<Record<string, Override>>;
}

export type Override = 'DO_NOTHING' | 'REPLACE' | 'FAIL' | 'MERGE';

const bodySchema = z.object({
  Parameters: z
    .record(z.string(), z.object({ Type: z.literal('String'), Default: z.string().optional() }))
    .default({}),
  Mappings: z.unknown().optional(),
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.enum(['AWS::IoT::Thing', 'AWS::IoT::Certificate', 'AWS::IoT::Policy']),
      Properties: z.record(z.string(), z.unknown()).default({}),
      OverrideSettings: z.record(z.string(), z.enum(['DO_NOTHING', 'REPLACE', 'FAIL', 'MERGE'])).default({}),
    }),
  ),
  DeviceConfiguration: z.record(z.string(), z.unknown()).optional(),
});

/** @throws TemplateError when the text is not a provisioning template. */
export function parseTemplateBody(text: string): TemplateBody {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new TemplateError('Template body is not a JSON document');
  }
  const result = bodySchema.safeParse(data);
  if (!result.success) {
    throw new TemplateError(
      `Template body is invalid: ${z.prettifyError(result.error).replace(/\s*\n\s*/g, ' ')}`,
    );
  }
  const { Parameters, Mappings, Resources, DeviceConfiguration } = result.data;
  for (const type of ['AWS::IoT::Thing', 'AWS::IoT::Certificate']) {
    const count = Object.values(Resources).filter((resource) => resource.Type === type).length;
    if (count > 1)
      throw new TemplateError(`Template body has ${count} resources of type ${type}, at most 1 is allowed`);
  }
  return {
    parameters: Object.fromEntries(
      Object.entries(Parameters).map(([name, { Default }]) => [name, { defaultValue: Default }]),
    ),
    mappings: Mappings,
    resources: Object.fromEntries(
      Object.entries(Resources).map(([name, resource]) => [
        name,
        { type: resource.Type, properties: resource.Properties, overrides: resource.OverrideSettings },
      ]),
    ),
    deviceConfiguration: DeviceConfiguration,
  };
}
