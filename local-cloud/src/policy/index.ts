export {
  type PolicyDocument,
  PolicyDocumentError,
  type PolicyKind,
  parsePolicyDocument,
} from './document.js';
export { type AccessRequest, type Decision, evaluate, type RequestPrincipal } from './evaluation.js';
export { type ConditionContext, matchesArn, matchesPattern } from './pattern.js';
