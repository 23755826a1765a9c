export * from './capabilities.js';
export { UpdateNegotiation } from './component-updates.js';
export { startIpcServer } from './server.js';
