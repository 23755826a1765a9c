import type { Statement } from '../policy-document.js';

/** A statement that allows these actions on these resources. */
export function allow(
  Action: readonly string[],
  Resource: readonly string[],
  Condition?: Statement['Condition'],
): Statement {
  return { Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) };
}
