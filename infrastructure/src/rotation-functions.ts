import { names } from '@mooring/contracts';
import type { Function as LambdaFunction } from '@pulumi/aws-native/lambda/index.js';
import type { Queue } from '@pulumi/aws-native/sqs/index.js';
import { type FunctionInputs, lambdaFunction } from './lambda-function.js';
import { arn, type Place } from './place.js';
import type { Statement } from './policy-document.js';

/** How fast certificates are rotated. */
export interface RotationPace {
  /**
   * Devices in a second. A rotation takes three DescribeCertificate and two UpdateCertificate, of which AWS IoT
   * answers ten a second each (AWS IoT Core quotas).
   */
  readonly rotationsPerSecond: number;
  /** Seconds after which a device that was asked, and did not go on, is asked again. */
  readonly rotationPatienceSeconds: number;
}

/** The queue of events that could not be handled. */
export interface DeadLetters {
  readonly deadLetters: Queue;
  readonly deadLettersArn: string;
}

export interface RotationFunctions {
  readonly request: LambdaFunction;
  readonly sign: LambdaFunction;
  readonly retire: LambdaFunction;
}

/** The three functions of the rotation, each with what it may do. */
export function rotationFunctions(
  place: Place,
  inputs: FunctionInputs & RotationPace,
  deadLetters: DeadLetters,
): RotationFunctions {
  const iot = (resource: string) => arn(place, 'iot', resource);
  const allow = (actions: readonly string[], ...resources: readonly string[]): Statement => ({
    Effect: 'Allow',
    Action: actions.map((action) => `iot:${action}`),
    Resource: resources,
  });
  const publish = (topic: string) => allow(['Publish'], iot(`topic/device/*/${topic}`));
  // Things are named by serial numbers, certificates by hashes: which ones there are is unknown beforehand.
  const things = iot('thing/*');
  const certificates = iot('cert/*');
  const states = allow(['GetThingShadow', 'UpdateThingShadow'], iot(`thing/*/${names.rotationShadow}`));
  const withdraw = ['DeleteCertificate', 'DetachPolicy', 'DetachThingPrincipal', 'ListAttachedPolicies'];

  return {
    request: lambdaFunction(place, 'rotation-request', inputs, {
      functionName: names.rotationRequestFunction,
      description: 'Asks devices whose certificates are about to expire for signing requests',
      policyName: 'request-rotations',
      mayDo: [
        publish('csr_req'),
        states,
        allow(['ListThingPrincipals'], things),
        // AWS IoT defines no resource for these two actions.
        allow(['ListAuditFindings', 'ListPrincipalThings'], '*'),
        {
          // It goes on in an invocation of its own when its time is over. Lambda ends such a chain after 16
          // invocations (recursive loop detection): hours, in which it asks far more than 100,000 devices.
          Effect: 'Allow',
          Action: ['lambda:InvokeFunction'],
          Resource: [arn(place, 'lambda', `function:${names.rotationRequestFunction}`)],
        },
      ],
      environment: {
        ROTATIONS_PER_SECOND: String(inputs.rotationsPerSecond),
        ROTATION_PATIENCE_SECONDS: String(inputs.rotationPatienceSeconds),
      },
      timeout: 900,
      events: { ...deadLetters, maximumAge: 6 * 3600 },
    }),
    sign: lambdaFunction(place, 'csr-signer', inputs, {
      functionName: names.csrFunction,
      description: 'Signs the certificates that devices ask for',
      policyName: 'sign-certificates',
      mayDo: [
        publish('crt'),
        states,
        allow(['ListThingPrincipals'], things),
        allow(
          ['AttachPolicy', 'AttachThingPrincipal', 'DescribeCertificate', 'UpdateCertificate', ...withdraw],
          certificates,
        ),
        // AWS IoT defines no resource for these three actions.
        allow(['CreateCertificateFromCsr', 'ListCertificates', 'ListPrincipalThings'], '*'),
      ],
      // No longer than the function takes another invocation of itself to be still at work.
      timeout: 30,
      events: { ...deadLetters, maximumAge: 3600 },
    }),
    retire: lambdaFunction(place, 'certificate-retirement', inputs, {
      functionName: names.certificateRetirementFunction,
      description: 'Deletes the certificates that a device has replaced',
      policyName: 'retire-certificates',
      mayDo: [
        publish('crt_done'),
        states,
        allow(['ListThingPrincipals'], things),
        allow(['DescribeCertificate', 'UpdateCertificate', ...withdraw], certificates),
        // AWS IoT defines no resource for this action.
        allow(['ListPrincipalThings'], '*'),
      ],
      timeout: 60,
      events: { ...deadLetters, maximumAge: 3600 },
    }),
  };
}
