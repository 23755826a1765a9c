import { key } from '../../../../store/store.js';
import type { IotArns } from '../../arns.js';
import { parsePolicyDocument, type Statement } from '../../policy/document.js';
import { compileStatements } from '../../policy/evaluate.js';
import { policyVariables } from '../../policy/variables.js';
import type { Tables } from '../../tables.js';
import { type Evaluation, whole } from './check.js';

/** Names that nobody's policy has by chance: of the device that asks, and of one that is none of its business. */
const OWN = 'audited-device-7b1f0e52c9d84a36';
const OTHER = 'other-device-e3c05d9a64f27b18';

/**
 * IOT_POLICY_OVERLY_PERMISSIVE_CHECK: whether a policy's default version lets a device act for another one. It is
 * found out by asking what the policy would allow a device that is attached to its thing, and one that is to none.
 */
export function overlyPermissivePolicies(tables: Tables, arns: IotArns): Evaluation {
  return whole(() => {
    const policies = [...tables.policies.entries()].map(([, policy]) => policy);
    const broad = policies.filter(({ policyName, defaultVersionId }) => {
      const version = tables.policyVersions.get(key(policyName, defaultVersionId));
      return version && isBroad(parsePolicyDocument(version.document), arns);
    });
    return {
      total: policies.length,
      faults: broad.map(({ policyName, defaultVersionId: policyVersionId }) => [
        {
          resourceType: 'IOT_POLICY',
          identifier: { policyVersionIdentifier: { policyName, policyVersionId } },
          reasonCode: 'ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS',
          reason: 'Policy allows broad access to IoT data plane actions.',
        },
      ]),
    };
  });
}

function isBroad(statements: readonly Statement[], arns: IotArns): boolean {
  const attached = { thingName: OWN, attributes: {} };
  return [
    // A device of its own name, and one that calls itself by another's without being attached to anything.
    { clientId: OWN, thing: attached },
    { clientId: OTHER, thing: undefined },
  ].some(({ clientId, thing }) => {
    const facts = { clientId, thing, sourceIp: '127.0.0.1', domainName: undefined, certificate: undefined };
    const decide = compileStatements(statements, policyVariables(facts));
    return PROBES.some(([actions, resource]) =>
      actions.some((action) => decide(`iot:${action}`, arns.of(resource)) === 'allowed'),
    );
  });
}

const PROBES: readonly (readonly [actions: readonly string[], resource: string])[] = [
  [['Connect'], `client/${OTHER}`],
  [['Publish'], `topic/${OTHER}`],
  [['Publish'], `topic/$aws/things/${OTHER}/shadow/update`],
  [['Publish'], `topic/$aws/things/${OTHER}/jobs/get`],
  [['Subscribe'], `topicfilter/${OTHER}`],
  [['Subscribe'], 'topicfilter/#'],
  [['Subscribe'], `topicfilter/$aws/things/${OTHER}/shadow/update`],
  [['Subscribe'], 'topicfilter/$aws/things/+/shadow/update'],
  [['Subscribe'], `topicfilter/$aws/things/${OTHER}/jobs/notify`],
  [
    [
      'DeleteThingShadow',
      'GetThingShadow',
      'UpdateThingShadow',
      'DescribeJobExecution',
      'GetPendingJobExecutions',
      'StartNextPendingJobExecution',
      'UpdateJobExecution',
    ],
    `thing/${OTHER}`,
  ],
];
