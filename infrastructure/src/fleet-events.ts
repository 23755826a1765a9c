import { eventRules, names } from '@mooring/contracts';
import { Table } from '@pulumi/aws-native/dynamodb/index.js';
import type { Place } from './place.js';
import { expiresIn, storingRules } from './stored-messages.js';
import type { TableSettings } from './telemetry.js';

/**
 * What happens to the fleet, newest first by day or by thing: who connects and disconnects, things that come and go,
 * how deployments end on devices, and rotations. The events of things and of job executions are turned on for the
 * account by `mooring deploy`; those of connections AWS IoT always publishes.
 */
export function fleetEvents(place: Place, { recovery, days, failures }: TableSettings): void {
  const table = new Table('events-table', {
    tableName: names.eventsTable,
    billingMode: 'PAY_PER_REQUEST',
    attributeDefinitions: [
      { attributeName: 'day', attributeType: 'S' },
      { attributeName: 'id', attributeType: 'S' },
      { attributeName: 'thing', attributeType: 'S' },
    ],
    keySchema: [
      { attributeName: 'day', keyType: 'HASH' },
      { attributeName: 'id', keyType: 'RANGE' },
    ],
    globalSecondaryIndexes: [
      {
        indexName: 'by-thing',
        keySchema: [
          { attributeName: 'thing', keyType: 'HASH' },
          { attributeName: 'id', keyType: 'RANGE' },
        ],
        projection: { projectionType: 'ALL' },
      },
    ],
    timeToLiveSpecification: { attributeName: 'expires', enabled: true },
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: recovery },
  });
  const event = (members: string, source: string) =>
    [
      `SELECT parse_time('yyyy-MM-dd', timestamp()) AS day, concat(timestamp(), '#', newuuid()) AS id,`,
      `timestamp() AS at, ${members}, ${expiresIn(days)} FROM ${source}`,
    ].join(' ');
  storingRules(place, {
    role: { name: 'fleet-events-role', roleName: names.eventsRole },
    table,
    tableName: names.eventsTable,
    failures,
    rules: [
      {
        name: 'presence-rule',
        ruleName: eventRules.presence,
        // A device is its main connection, under the thing's name. AWS IoT names the thing of certificates that are
        // attached to one alone, which leaves out people, dashboards and claims (developer guide, "Lifecycle events").
        sql: event(
          'eventType AS type, thingName AS thing, disconnectReason AS detail',
          `'$aws/events/presence/+/+' WHERE clientId = thingName AND (eventType = 'connected' OR eventType = 'disconnected')`,
        ),
      },
      {
        name: 'things-rule',
        ruleName: eventRules.things,
        sql: event(
          `CASE operation WHEN 'CREATED' THEN 'thing_created' ELSE 'thing_deleted' END AS type, thingName AS thing`,
          `'$aws/events/thing/+/+' WHERE operation = 'CREATED' OR operation = 'DELETED'`,
        ),
      },
      {
        name: 'deployments-rule',
        ruleName: eventRules.deployments,
        // Greengrass deploys to a group by a job, whose executions are the devices' (Greengrass developer guide, "Manage
        // deployments").
        sql: event(
          [
            `CASE status WHEN 'SUCCEEDED' THEN 'deployment_succeeded' ELSE 'deployment_failed' END AS type`,
            `regexp_substr(thingArn, '[^/]+$') AS thing`,
            `concat(status, ', job ', jobId) AS detail`,
          ].join(', '),
          `'$aws/events/jobExecution/+/+' WHERE status = 'SUCCEEDED' OR status = 'FAILED' OR status = 'REJECTED' OR status = 'TIMED_OUT'`,
        ),
      },
      {
        name: 'rotation-requested-rule',
        ruleName: eventRules.rotationRequested,
        sql: event(`'rotation_requested' AS type, topic(2) AS thing`, `'device/+/csr_req'`),
      },
      {
        name: 'rotation-completed-rule',
        ruleName: eventRules.rotationCompleted,
        sql: event(`'rotation_completed' AS type, topic(2) AS thing`, `'device/+/crt_done'`),
      },
    ],
  });
}
