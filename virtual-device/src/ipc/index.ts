export * from './capabilities.js';
export { DEFAULT_IPC_LIMITS, startIpcServer } from './server.js';
export { IpcSocketError, type IpcSocketErrorCode } from './socket-address.js';
