import { MooringError } from '../errors.js';

/** CloudFormation's spelling of the services whose Pulumi module is only its lower case. */
const SERVICES: Readonly<Record<string, string>> = {
  cloudfront: 'CloudFront',
  cloudwatch: 'CloudWatch',
  cognito: 'Cognito',
  dynamodb: 'DynamoDB',
  ecr: 'ECR',
  events: 'Events',
  greengrassv2: 'GreengrassV2',
  iam: 'IAM',
  iot: 'IoT',
  kms: 'KMS',
  lambda: 'Lambda',
  logs: 'Logs',
  s3: 'S3',
  sns: 'SNS',
  sqs: 'SQS',
  ssm: 'SSM',
};

/** CloudFormation's spelling of the types in whose names Pulumi keeps less in capitals. */
const NAMES: Readonly<Record<string, string>> = {
  'iam:OidcProvider': 'OIDCProvider',
};

/**
 * The CloudFormation type of an `aws-native` resource: `aws-native:iot:Policy` is `AWS::IoT::Policy`.
 *
 * @throws MooringError `UnsupportedType` for a type of another provider or of a service not listed here.
 */
export function cloudFormationType(pulumiType: string): string {
  const [provider, module, name] = pulumiType.split(':');
  const service = module === undefined ? undefined : SERVICES[module];
  if (provider !== 'aws-native' || service === undefined || name === undefined) {
    throw new MooringError(
      'UnsupportedType',
      `The local target cannot deploy ${pulumiType}: it knows the aws-native modules ${Object.keys(SERVICES).join(', ')}`,
    );
  }
  return `AWS::${service}::${NAMES[`${module}:${name}`] ?? name}`;
}
