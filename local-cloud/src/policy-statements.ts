import { z } from 'zod';

/** How AddPermission and RemovePermission of SQS and SNS change the policy of a queue or a topic. */

interface Grant {
  /** The statement's `Sid`. */
  readonly label: string;
  /** Twelve digits each. */
  readonly accountIds: readonly string[];
  /** With the service's prefix: `SQS:SendMessage`. */
  readonly actions: readonly string[];
  /** ARN of the queue or topic. */
  readonly resource: string;
}

const statement = z.record(z.string(), z.unknown());
const document = z.looseObject({
  Statement: z.union([statement.transform((one) => [one]), z.array(statement)]),
});

const sole = (values: readonly string[]) => (values.length === 1 ? values[0] : values);

/**
 * The policy with one more statement; undefined when it has one of that label already.
 *
 * @param policy JSON text of a policy that was checked before, if there is one.
 */
export function withGrant(policy: string | undefined, grant: Grant): string | undefined {
  const { label, accountIds, actions, resource } = grant;
  const before =
    policy === undefined
      ? { Version: '2012-10-17', Id: `${resource}/SQSDefaultPolicy`, Statement: [] }
      : document.parse(JSON.parse(policy));
  if (before.Statement.some(({ Sid }) => Sid === label)) return undefined;
  const added = {
    Sid: label,
    Effect: 'Allow',
    Principal: { AWS: sole(accountIds.map((accountId) => `arn:aws:iam::${accountId}:root`)) },
    Action: sole(actions),
    Resource: resource,
  };
  return JSON.stringify({ ...before, Statement: [...before.Statement, added] });
}

/**
 * The policy without the statement of that label; an empty text when none is left, undefined when there was none
 * of it.
 */
export function withoutGrant(policy: string | undefined, label: string): string | undefined {
  if (policy === undefined) return undefined;
  const before = document.parse(JSON.parse(policy));
  const left = before.Statement.filter(({ Sid }) => Sid !== label);
  if (left.length === before.Statement.length) return undefined;
  return left.length === 0 ? '' : JSON.stringify({ ...before, Statement: left });
}
