import type { PolicyDocument } from '../../policy/index.js';

/** Condition keys that bind a statement to callers who are known (S3 user guide, "The meaning of public"). */
const FIXING_KEYS = new Set([
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:sourceip',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
]);

/** Whether a bucket policy lets everybody do something. */
export function isPublicPolicy(policy: PolicyDocument): boolean {
  return policy.statements.some(({ effect, principals, conditions }) => {
    if (effect !== 'Allow' || !principals) return false;
    const open =
      principals.negated || principals.entries.some(({ type, value }) => type === 'AWS' && value === '*');
    return (
      open &&
      !conditions.some(({ key, values }) => FIXING_KEYS.has(key.toLowerCase()) && !values.includes('*'))
    );
  });
}
