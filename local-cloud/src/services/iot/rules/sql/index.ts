export { SqlError } from './errors.js';
export type { SqlVersion } from './functions/index.js';
export { type PreparedMessage, prepareMessage, type RuleMessage } from './message.js';
export type { SqlCapabilities } from './scope.js';
export { compileSql, type RuleOutput, type Statement } from './statement.js';
export { compileTemplate } from './template.js';
export type { JsonValue } from './values.js';
