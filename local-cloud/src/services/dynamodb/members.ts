import { notBuilt } from './errors.js';

/**
 * Refuses an operation's members that are not built, so that none is accepted and then not done.
 *
 * @throws AwsError `NotImplementedException` that names the member.
 */
export function onlyMembers(what: string, input: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(input)) {
    if (value !== undefined && !known.includes(name)) throw notBuilt(`${name} of ${what}`);
  }
}
