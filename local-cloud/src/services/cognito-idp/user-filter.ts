import { invalidParameter } from './errors.js';
import type { UserRecord } from './tables.js';

/**
 * Reads the filter of ListUsers (API reference): one attribute, `=` or `^=`, and a value in quotation marks.
 *
 * @throws InvalidParameterException.
 */
export function userFilter(text: string | undefined): (user: UserRecord) => boolean {
  if (text === undefined || text.trim() === '') return () => true;
  const match = /^\s*([\w:]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$/s.exec(text);
  const [, name = '', operator, quoted = ''] = match ?? [];
  if (!match || !SEARCHABLE.has(name)) {
    throw invalidParameter(`Invalid filter ${JSON.stringify(text)}: use for example username ^= "a"`);
  }
  const wanted = quoted.replace(/\\(.)/gs, '$1');
  return (user) => {
    const value = attributeOf(user, name);
    return value !== undefined && (operator === '=' ? value === wanted : value.startsWith(wanted));
  };
}

const SEARCHABLE = new Set([
  'username',
  'email',
  'phone_number',
  'name',
  'given_name',
  'family_name',
  'preferred_username',
  'cognito:user_status',
  'status',
  'sub',
]);

function attributeOf(user: UserRecord, name: string): string | undefined {
  switch (name) {
    case 'username':
      return user.username;
    case 'sub':
      return user.sub;
    case 'cognito:user_status':
      return user.status;
    case 'status':
      return user.enabled ? 'Enabled' : 'Disabled';
    default:
      return Object.hasOwn(user.attributes, name) ? user.attributes[name] : undefined;
  }
}
