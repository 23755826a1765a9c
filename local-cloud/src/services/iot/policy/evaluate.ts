import { type ConditionKeys, holds } from './conditions.js';
import type { Statement } from './document.js';
import { compilePattern, type Matcher, type Variables } from './pattern.js';

/** How policies decide: explicit deny wins over allow, and what nothing allows is denied implicitly. */
export type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

/** Decides on an action and a resource; `keys` are condition keys of this request alone. */
export type Decide = (action: string, resource: string, keys?: ConditionKeys) => Decision;

interface CompiledStatement {
  readonly deny: boolean;
  readonly conditions: Statement['conditions'];
  readonly actions: readonly Matcher[];
  readonly resources: readonly Matcher[];
}

const nothing: Variables = () => undefined;

/**
 * Compiles statements for one connection, whose policy variables stay the same. A pattern with a variable that
 * has no value matches nothing; a statement left without a resource is dropped.
 */
export function compileStatements(statements: readonly Statement[], variables: Variables): Decide {
  const compiled: CompiledStatement[] = [];
  for (const { effect, actions, resources, conditions } of statements) {
    const matchers = resources
      .map((parts) => compilePattern(parts, variables))
      .filter((one) => one !== undefined);
    if (matchers.length === 0) continue;
    compiled.push({
      deny: effect === 'Deny',
      conditions,
      actions: actions
        .map((parts) => compilePattern(parts, nothing, true))
        .filter((one) => one !== undefined),
      resources: matchers,
    });
  }
  const keysOf = (own: ConditionKeys | undefined): ConditionKeys => {
    return (name) => {
      const values = own?.(name);
      if (values !== undefined) return values;
      const value = variables(name);
      return value === undefined ? undefined : [value];
    };
  };
  return (action, resource, own) => {
    const keys = keysOf(own);
    let decision: Decision = 'implicitDeny';
    for (const { deny, conditions, actions, resources } of compiled) {
      if (!deny && decision === 'allowed') continue;
      if (!actions.some((matches) => matches(action))) continue;
      if (!resources.some((matches) => matches(resource))) continue;
      if (!conditions.every((condition) => holds(condition, keys, variables))) continue;
      if (deny) return 'explicitDeny';
      decision = 'allowed';
    }
    return decision;
  };
}
