/** Role ARNs in SQL: `get_thing_shadow(thing, 'arn:aws:iam::123456789012:role/name')`. */
const IN_SQL = /arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+/g;

/**
 * The roles that a rule's payload names, in its actions and in its SQL. AWS IoT assumes each of them, so its maker has
 * to be allowed to pass them.
 *
 * @param payload whatever was given as a TopicRulePayload.
 */
export function namedRoles(payload: unknown): string[] {
  if (typeof payload !== 'object' || payload === null) return [];
  const roles = Object.entries(payload).flatMap(([name, value]) => {
    if (typeof value !== 'string') return namedRoles(value);
    if (name === 'roleArn') return [value];
    return name === 'sql' ? (value.match(IN_SQL) ?? []) : [];
  });
  return [...new Set(roles)];
}
