export { AllowlistError, parseAllowlist } from './allowlist.js';
export { ButtonMessage, FREQUENCY_RANGE, FrequencyMessage, type Parsed, parseMessage } from './messages.js';
export {
  accountTags,
  bucketNames,
  componentNames,
  componentTags,
  containerComponents,
  logGroups,
  names,
  objectKeys,
  provisioningParameters,
  roleNames,
  workflowTokens,
} from './names.js';
export { ProvisioningConfig } from './provisioning.js';
export {
  CertificateAckEvent,
  CertificateAckMessage,
  CertificateMessage,
  CsrEvent,
  CsrMessage,
  CsrRequestMessage,
  RotateThingsAnswer,
  RotateThingsEvent,
  RotationState,
} from './rotation.js';
export { THING_NAME, topics } from './topics.js';
