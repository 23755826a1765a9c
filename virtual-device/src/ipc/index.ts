export * from './capabilities.js';
export { startIpcServer } from './server.js';
