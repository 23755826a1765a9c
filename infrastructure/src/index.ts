import { logGroups } from '@mooring/contracts';
import { LogGroup } from '@pulumi/aws-native/logs/index.js';
import pulumi from '@pulumi/pulumi';
import { componentLogs } from './component-logs.js';
import { containerRegistry } from './container-registry.js';
import { dashboard } from './dashboard.js';
import { fleetEvents } from './fleet-events.js';
import { fleetIdentity } from './fleet-identity.js';
import { iotLogging } from './iot-logging.js';
import { currentPlace } from './place.js';
import { inputsFromEnvironment, type ProgramInputs } from './program-inputs.js';
import { provisioning } from './provisioning.js';
import { rotation } from './rotation.js';
import { storage } from './storage.js';
import { telemetry } from './telemetry.js';

export type { ProgramInputs } from './program-inputs.js';

/** What the program tells of the stack that it deployed. */
export interface ProgramOutputs {
  readonly thingGroupArn: pulumi.Output<string>;
  readonly provisioningTemplateArn: pulumi.Output<string>;
  readonly roleAliasArn: pulumi.Output<string>;
  readonly provisioningBucket: pulumi.Output<string | undefined>;
  readonly artifactsBucket: pulumi.Output<string | undefined>;
  readonly imagesBucket: pulumi.Output<string | undefined>;
  /** URL of the queue of events that the certificate rotation could not handle. */
  readonly rotationDeadLetters: pulumi.Output<string>;
  /** Id and domain name of the CloudFront distribution that serves the dashboard. */
  readonly dashboardDistribution: pulumi.Output<string>;
  readonly dashboardDomain: pulumi.Output<string>;
}

/**
 * The whole Pulumi program. The Pulumi command calls it without arguments (it takes a module's only export,
 * the default one, for the program); a deploy in process passes the inputs.
 *
 * Configuration, from `Pulumi.<stack>.yaml`: those that `Pulumi.yaml` names.
 *
 * @throws ProgramInputError when the functions were not uploaded before.
 */
export default async function program(
  inputs: ProgramInputs = inputsFromEnvironment(process.env),
): Promise<ProgramOutputs> {
  const config = new pulumi.Config('mooring');
  const { permissionsBoundary } = inputs;
  const place = {
    ...(await currentPlace()),
    ...(permissionsBoundary !== undefined && { permissionsBoundary }),
  };
  const logRetentionDays = config.requireNumber('logRetentionDays');
  const functions = { bundles: inputs, logRetentionDays };
  const buckets = storage(place);
  containerRegistry();
  componentLogs(place, logRetentionDays);
  iotLogging(place, logRetentionDays);
  const identity = fleetIdentity(place);
  const { template } = provisioning(place, {
    thingGroup: identity.thingGroup,
    devicePolicy: identity.devicePolicy,
    ...functions,
  });
  const { deadLetters } = rotation(place, {
    ...functions,
    rotationsPerSecond: config.requireNumber('rotationsPerSecond'),
    rotationPatienceSeconds: config.requireNumber('rotationPatienceSeconds'),
  });
  const failures = new LogGroup('rules-logs', {
    logGroupName: logGroups.rules,
    retentionInDays: logRetentionDays,
  });
  const history = { recovery: config.requireBoolean('tableRecovery'), failures };
  telemetry(place, { ...history, days: config.getNumber('telemetryDays') ?? 30 });
  const eventDays = config.getNumber('eventDays') ?? 90;
  fleetEvents(place, { ...history, days: eventDays });
  const { distributionId, domainName } = dashboard(place, functions, buckets, {
    eventDays,
    guests: config.requireBoolean('dashboardGuests'),
    origins: config.requireObject<string[]>('dashboardOrigins'),
    connectSources: config.getObject<string[]>('dashboardConnectSources'),
  });
  return {
    thingGroupArn: identity.thingGroup.arn,
    provisioningTemplateArn: template.templateArn,
    roleAliasArn: identity.roleAlias.roleAliasArn,
    provisioningBucket: buckets.provisioning.bucketName,
    artifactsBucket: buckets.artifacts.bucketName,
    imagesBucket: buckets.images.bucketName,
    rotationDeadLetters: deadLetters.queueUrl,
    dashboardDistribution: distributionId,
    dashboardDomain: domainName,
  };
}
