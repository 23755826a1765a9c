export * from './capabilities.js';
export { type ComponentUpdates, UpdateNegotiation } from './component-updates.js';
export { startIpcServer } from './server.js';
