import { AwsError } from '../errors.js';
import type { Principal } from '../service.js';

/**
 * Services that guests of an identity pool may use at most, whatever their role allows: Amazon Cognito puts a session
 * policy on their credentials (Amazon Cognito developer guide, "Access policies for unauthenticated identities").
 */
const GUESTS_SERVICES: ReadonlySet<string> = new Set(
  (
    'appsync cloudwatch cognito-identity cognito-idp cognito-sync comprehend dynamodb execute-api firehose gamelift geo ' +
    'iot iotdata iotdevicegateway kinesis lambda lex logs machinelearning mobileanalytics mobiletargeting personalize ' +
    'polly rekognition rum s3 sagemaker ses sns sqs transcribe translate xray'
  ).split(' '),
);

/** @throws AwsError for a guest who asks a service that is not for guests. */
export function checkGuest(principal: Principal, service: string): void {
  if (principal.kind !== 'role' || principal.identity?.authenticated !== false) return;
  if (GUESTS_SERVICES.has(service)) return;
  throw new AwsError(
    'AccessDenied',
    `User: ${principal.arn} is not authorized to use ${service} because no session policy allows it`,
    403,
  );
}
