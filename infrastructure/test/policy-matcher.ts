import type { PolicyDocument } from '../src/policy-document.js';

/** What a device asks, and the values of the policy variables at that moment. */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Decides as AWS does for these documents: allowed by a statement and denied by none. */
export function allows(document: PolicyDocument, request: Request): boolean {
  const variables = request.variables ?? {};
  const matching = document.Statement.filter(
    (statement) =>
      [statement.Action].flat().some((action) => matches(action, request.action, {})) &&
      [statement.Resource ?? []].flat().some((resource) => matches(resource, request.resource, variables)) &&
      [
        ...Object.entries(statement.Condition?.Bool ?? {}),
        ...Object.entries(statement.Condition?.StringEquals ?? {}),
      ].every(([key, expected]) => [expected].flat().some((value) => variables[key] === value)),
  );
  return matching.length > 0 && matching.every((statement) => statement.Effect === 'Allow');
}

/** Wildcards are those of the policy; the values of variables stand for themselves. */
function matches(pattern: string, text: string, variables: Readonly<Record<string, string>>): boolean {
  let unresolved = false;
  const source = pattern.replace(/\$\{([^}]+)\}|[*?]|[^*?$]+|\$/g, (part, variable: string | undefined) => {
    if (variable !== undefined) {
      const value = variables[variable];
      unresolved ||= value === undefined;
      return literal(value ?? '');
    }
    if (part === '*') return '.*';
    return part === '?' ? '.' : literal(part);
  });
  return !unresolved && new RegExp(`^${source}$`, 's').test(text);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
