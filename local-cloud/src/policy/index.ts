export { inNetwork, numberOf, timeOf } from './condition-values.js';
export {
  type PolicyDocument,
  PolicyDocumentError,
  type PolicyKind,
  parsePolicyDocument,
} from './document.js';
export { type AccessRequest, type Decision, evaluate, type RequestPrincipal } from './evaluation.js';
export { type ConditionContext, matchesArn, matchesPattern } from './pattern.js';
export { ANY, addPattern, addText, matchesWildcards, ONE, type Wildcards } from './wildcards.js';
