import { logGroups, names } from '@mooring/contracts';
import { Logging } from '@pulumi/aws-native/iot/index.js';
import { LogGroup } from '@pulumi/aws-native/logs/index.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import { serviceRole } from './service-role.js';

/**
 * AWS IoT's own log, at level ERROR: who may not connect, publish or subscribe, rules that fail, and devices that
 * cannot be provisioned. The levels below write an entry or more for each message, which costs more than all of a
 * fleet's messages do; set them for a thing group or a client, and for a while, with `aws iot set-v2-logging-level`.
 */
export function iotLogging(place: Place, retentionInDays: number): void {
  const group = new LogGroup('iot-logs', { logGroupName: logGroups.iot, retentionInDays });
  const role = serviceRole(place, 'iot-logging-role', {
    roleName: names.iotLoggingRole,
    description: 'Assumed by AWS IoT to write its log',
    assumeRolePolicyDocument: trustPolicy('iot.amazonaws.com', place.account),
    policies: [
      {
        policyName: 'write-log',
        policyDocument: policyDocument({
          Effect: 'Allow',
          Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: [
            arn(place, 'logs', `log-group:${logGroups.iot}`),
            arn(place, 'logs', `log-group:${logGroups.iot}:*`),
          ],
        }),
      },
    ],
  });
  new Logging(
    'iot-logging',
    { accountId: place.account, roleArn: role.arn, defaultLogLevel: 'ERROR' },
    { dependsOn: [group] },
  );
}
