import { names } from '@mooring/contracts';
import pulumi from '@pulumi/pulumi';
import program, { type ProgramInputs } from '../src/index.js';

/** A resource as the program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Logical names of what it was registered after, by data or by `dependsOn`. */
  readonly after: readonly string[];
}

export const PLACE = { partition: 'aws', region: 'eu-west-1', account: '123456789012' } as const;
export const BUNDLE_SHA256 = 'ab'.repeat(32);
const FUNCTIONS = [
  names.allowlistFunction,
  names.rotationRequestFunction,
  names.csrFunction,
  names.certificateRetirementFunction,
  names.dashboardSession,
  names.dashboardReader,
  names.dashboardOperator,
];
export const INPUTS: ProgramInputs = {
  functionBundles: Object.fromEntries(FUNCTIONS.map((name) => [name, BUNDLE_SHA256])),
};

/** Runs the program against Pulumi's mocks and returns what it registered, in that order. */
export async function evaluate(inputs: ProgramInputs = INPUTS): Promise<Registered[]> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      call: ({ token }) => {
        if (token === 'aws-native:index:getPartition') return { partition: PLACE.partition };
        if (token === 'aws-native:index:getRegion') return { region: PLACE.region };
        if (token === 'aws-native:index:getAccountId') return { accountId: PLACE.account };
        throw new Error(`the program invoked ${token}`);
      },
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs, after: registered.map((resource) => resource.name) });
        return {
          id: `${name}-id`,
          state: {
            ...inputs,
            arn: `arn-of:${name}`,
            templateArn: `arn-of:${name}`,
            topicArn: `arn-of:${name}`,
            queueUrl: `url-of:${name}`,
            functionUrl: `https://${name}.example.org/`,
            userPoolId: 'eu-west-1_Pool',
            providerName: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool',
            clientId: 'client',
            awsId: `id-of:${name}`,
          },
        };
      },
    },
    'mooring',
    'test',
  );
  pulumi.runtime.setAllConfig({
    'mooring:logRetentionDays': '7',
    'mooring:rotationsPerSecond': '3',
    'mooring:rotationPatienceSeconds': '72000',
    'mooring:telemetryDays': '30',
    'mooring:eventDays': '90',
    'mooring:tableRecovery': 'true',
    'mooring:dashboardGuests': 'false',
    'mooring:dashboardOrigins': '["*"]',
  });
  const outputs = await program(inputs);
  await new Promise((resolve) => pulumi.output(outputs).apply(resolve));
  await pulumi.runtime.disconnect();
  return registered;
}

/** The one resource registered under `name`. */
export function named(resources: readonly Registered[], name: string): Registered {
  const found = resources.filter((resource) => resource.name === name);
  const [resource] = found;
  if (resource === undefined || found.length !== 1) {
    throw new Error(`${found.length} resources are named ${name}`);
  }
  return resource;
}
