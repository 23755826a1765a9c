export { createBroker } from './broker.js';
export type * from './contract.js';
export { MqttError, ReasonCode } from './errors.js';
export { AWS_IOT_CORE_LIMITS, type BrokerLimits } from './limits.js';
export { SubscriptionTree } from './subscription-tree.js';
export { matches, parseFilter } from './topic.js';
