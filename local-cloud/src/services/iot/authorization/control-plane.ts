import type { Permission } from '../../../authorization.js';
import type { IotArns } from '../arns.js';
import { namedRoles } from '../rules/named-roles.js';

/** Members of inputs that name what an operation is about, and its ARN. */
const NAMED: readonly (readonly [member: string, arn: (arns: IotArns, name: string) => string])[] = [
  ['resourceArn', (_arns, arn) => arn],
  ['target', (_arns, arn) => arn],
  ['principal', (_arns, arn) => arn],
  ['certificateId', (arns, id) => arns.certificate(id)],
  ['jobId', (arns, id) => arns.job(id)],
  ['jobTemplateId', (arns, id) => arns.jobTemplate(id)],
  ['thingName', (arns, name) => arns.thing(name)],
  ['thingGroupName', (arns, name) => arns.thingGroup(name)],
  ['thingTypeName', (arns, name) => arns.thingType(name)],
  ['policyName', (arns, name) => arns.policy(name)],
  ['templateName', (arns, name) => arns.template(name)],
  ['roleAlias', (arns, name) => arns.roleAlias(name)],
  ['ruleName', (arns, name) => arns.of(`rule/${name}`)],
  ['scheduledAuditName', (arns, name) => arns.of(`scheduledaudit/${name}`)],
  ['actionName', (arns, name) => arns.of(`mitigationaction/${name}`)],
];

/** Operations that are about two resources, both of which have to be allowed. */
const ABOUT_BOTH = new Set([
  'AddThingToThingGroup',
  'RemoveThingFromThingGroup',
  'DescribeJobExecution',
  'CancelJobExecution',
  'DeleteJobExecution',
]);

/** Operations on jobs that have to be allowed on every target, and on the job's template, as well. */
const ABOUT_TARGETS = new Set(['CreateJob', 'AssociateTargetsWithJob']);

/** Operations on an index, which is that of things when the input names none. */
const ON_INDEX = new Set(['SearchIndex', 'DescribeIndex']);

/**
 * The permissions that operations of the control plane need (service authorization reference, "Actions, resources,
 * and condition keys for AWS IoT"): on the resource that the input names first, in the order above.
 */
export function controlPlanePermission(arns: IotArns) {
  return (operation: string, input: Readonly<Record<string, unknown>>): Permission[] | undefined => {
    if (
      /^List(Things|ThingTypes|ThingGroups|Policies|Certificates|Jobs|JobTemplates|TopicRules)$/.test(
        operation,
      )
    )
      return undefined;
    const resources = NAMED.flatMap(([member, arn]) => {
      const name = input[member];
      return typeof name === 'string' ? [arn(arns, name)] : [];
    });
    const about = ABOUT_BOTH.has(operation) ? resources : resources.slice(0, 1);
    if (ABOUT_TARGETS.has(operation) && Array.isArray(input.targets)) {
      const others: unknown[] = [...input.targets, input.jobTemplateArn];
      about.push(...others.filter((other) => typeof other === 'string'));
    }
    if (ON_INDEX.has(operation)) {
      const { indexName } = input;
      about.push(arns.of(`index/${typeof indexName === 'string' ? indexName : 'AWS_Things'}`));
    }
    const passed = operation === 'SetV2LoggingOptions' ? namedRoles(input) : [];
    if (passed.length > 0) about.push('*');
    if (about.length === 0) return undefined;
    return [
      ...about.map((resource) => ({ action: `iot:${operation}`, resource })),
      ...[...passed, ...namedRoles(input.topicRulePayload)].map((resource) => ({
        action: 'iam:PassRole',
        resource,
        context: new Map([['iam:passedtoservice', 'iot.amazonaws.com']]),
      })),
    ];
  };
}
