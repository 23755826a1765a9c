export { AllowlistError, parseAllowlist, withoutSerials, withSerials } from './allowlist.js';
export {
  AllowlistAnswer,
  AllowlistChange,
  ApiProblem,
  DASHBOARD_CLIENT_PREFIX,
  DashboardConfig,
  DEVICES_AT_ONCE,
  DeploymentDetails,
  DeploymentSummary,
  DeploymentsPage,
  DeviceCertificateSummary,
  DeviceComponent,
  DeviceDeployment,
  DeviceDetails,
  DeviceSummary,
  DevicesAnswer,
  EventsPage,
  FleetEvent,
  FleetPage,
  LogPage,
  RotationAnswer,
  SessionAnswer,
  SessionRequest,
  TelemetryAnswer,
  TelemetryPoint,
} from './dashboard.js';
export {
  ButtonMessage,
  FREQUENCY_RANGE,
  FrequencyMessage,
  type Parsed,
  PressMessage,
  parseMessage,
  TelemetryMessage,
} from './messages.js';
export {
  accountTags,
  bucketNames,
  componentNames,
  componentTags,
  containerComponents,
  eventRules,
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
export { AllowlistChanges, EventItem, TelemetryItem } from './stored.js';
export { THING_NAME, topics } from './topics.js';
