import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes, Subject } from '../changes.js';
import { invalid, limitExceeded } from '../errors.js';
import { pageOf } from '../paging.js';
import { secondParts, type Tables } from '../tables.js';
import type { Certificates } from './certificates.js';
import type { Policies } from './policies.js';
import type { ThingGroups } from './thing-groups.js';

/** AWS IoT Core quotas: policies attached to a certificate, and to a thing group. */
const MOST_POLICIES = { principal: 10, thinggroup: 2 } as const;

/** An identity of Amazon Cognito: region and UUID. */
const COGNITO_IDENTITY = /^[a-z]{2}(-[a-z]+)+-\d:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Which policies apply to which certificates, thing groups and identities of Amazon Cognito. */
export function policyAttachments(
  tables: Tables,
  changes: Changes,
  arns: IotArns,
  registry: { policies: Policies; certificates: Certificates; groups: ThingGroups },
) {
  const { policies, certificates, groups } = registry;

  /** The subject of a target's ARN, which has to exist. */
  function targetSubject(target: string | undefined): Subject {
    const { type, name } = arns.parse(target ?? '') ?? {};
    if (type === 'cert') {
      certificates.existing(name);
      return `principal/${target}`;
    }
    if (type === 'thinggroup') {
      groups.existing(name);
      return `thinggroup/${name}`;
    }
    // Which identities there are, Amazon Cognito knows; AWS IoT takes any id of that form.
    if (target !== undefined && COGNITO_IDENTITY.test(target)) return `principal/${target}`;
    throw invalid(
      `Invalid target ${target}: it is neither the ARN of a certificate or thing group nor the id of a Cognito identity`,
    );
  }

  const policiesOf = (target: string) =>
    [...secondParts(tables.targetPolicies, target)].map(([policyName]) => policyName);
  const targetsOf = (policyName: string) =>
    [...secondParts(tables.policyTargets, policyName)].map(([target]) => target);
  const reference = (policyName: string) => ({ policyName, policyArn: arns.policy(policyName) });

  /** Attaches a policy to a certificate or thing group; does nothing when it is attached already. */
  function attach(policyName: string | undefined, target: string | undefined): void {
    changes.transaction(() => {
      const { policyName: name } = policies.existing(policyName);
      const subject = targetSubject(target);
      const arn = target ?? '';
      if (tables.targetPolicies.get(key(arn, name))) return;
      const limit = MOST_POLICIES[subject.startsWith('principal/') ? 'principal' : 'thinggroup'];
      if (policiesOf(arn).length >= limit) {
        throw limitExceeded(`At most ${limit} policies can be attached to ${arn}`);
      }
      tables.targetPolicies.put(key(arn, name), true);
      tables.policyTargets.put(key(name, arn), true);
      changes.touch(subject);
    });
  }

  function detach(policyName: string | undefined, target: string | undefined): void {
    changes.transaction(() => {
      const { policyName: name } = policies.existing(policyName);
      const subject = targetSubject(target);
      tables.targetPolicies.delete(key(target ?? '', name));
      tables.policyTargets.delete(key(name, target ?? ''));
      changes.touch(subject);
    });
  }

  function listOf(target: string | undefined, marker: string | undefined, pageSize: number | undefined) {
    targetSubject(target);
    const { items, next } = pageOf(policiesOf(target ?? ''), (name) => name, marker, pageSize);
    return { policies: items.map(reference), ...(next !== undefined && { nextMarker: next }) };
  }

  const operations = {
    AttachPolicy({ policyName, target }: sdk.AttachPolicyCommandInput) {
      attach(policyName, target);
      return {};
    },

    DetachPolicy({ policyName, target }: sdk.DetachPolicyCommandInput) {
      detach(policyName, target);
      return {};
    },

    AttachPrincipalPolicy({ policyName, principal }: sdk.AttachPrincipalPolicyCommandInput) {
      attach(policyName, principal);
      return {};
    },

    DetachPrincipalPolicy({ policyName, principal }: sdk.DetachPrincipalPolicyCommandInput) {
      detach(policyName, principal);
      return {};
    },

    ListAttachedPolicies(input: sdk.ListAttachedPoliciesCommandInput) {
      const { target, recursive, marker, pageSize } = input;
      const { type, name } = arns.parse(target ?? '') ?? {};
      if (!recursive || type !== 'thinggroup') return listOf(target, marker, pageSize);
      const group = groups.existing(name);
      const names = [group, ...groups.ancestors(group)].flatMap(({ thingGroupName }) =>
        policiesOf(arns.thingGroup(thingGroupName)),
      );
      const { items, next } = pageOf([...new Set(names)].sort(), (policy) => policy, marker, pageSize);
      return { policies: items.map(reference), ...(next !== undefined && { nextMarker: next }) };
    },

    ListPrincipalPolicies({ principal, marker, pageSize }: sdk.ListPrincipalPoliciesCommandInput) {
      return listOf(principal, marker, pageSize);
    },

    ListTargetsForPolicy({ policyName, marker, pageSize }: sdk.ListTargetsForPolicyCommandInput) {
      const targets = targetsOf(policies.existing(policyName).policyName);
      const { items, next } = pageOf(targets, (target) => target, marker, pageSize);
      return { targets: items, ...(next !== undefined && { nextMarker: next }) };
    },

    ListPolicyPrincipals({ policyName, marker, pageSize }: sdk.ListPolicyPrincipalsCommandInput) {
      const principals = targetsOf(policies.existing(policyName).policyName).filter(
        (target) => arns.parse(target)?.type === 'cert',
      );
      const { items, next } = pageOf(principals, (principal) => principal, marker, pageSize);
      return { principals: items, ...(next !== undefined && { nextMarker: next }) };
    },

    GetEffectivePolicies({ principal, thingName }: sdk.GetEffectivePoliciesCommandInput) {
      if (principal !== undefined) targetSubject(principal);
      const names = [
        ...(principal === undefined ? [] : policiesOf(principal)),
        ...(thingName === undefined ? [] : groups.allGroupsOf(thingName)).flatMap((group) =>
          policiesOf(arns.thingGroup(group)),
        ),
      ];
      return {
        effectivePolicies: [...new Set(names)].map((name) => ({
          ...reference(name),
          policyDocument: policies.document(name),
        })),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, attach, policiesOf };
}

export type PolicyAttachments = ReturnType<typeof policyAttachments>;
