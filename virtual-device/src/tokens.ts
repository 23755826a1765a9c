import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from './durable-file.js';
import type { IpcPrincipal } from './ipc/capabilities.js';
import type { Layout } from './layout.js';

/** Who may speak to the IPC server: one token per component and one for the device's own user. */
export class Tokens {
  readonly #principals = new Map<string, IpcPrincipal>();
  readonly #ofComponent = new Map<string, string>();

  /** The component's token, the same for as long as the agent runs. */
  ofComponent(componentName: string): string {
    let token = this.#ofComponent.get(componentName);
    if (!token) {
      token = newToken();
      this.#ofComponent.set(componentName, token);
      this.#principals.set(token, { componentName });
    }
    return token;
  }

  /** A removed component's token is worth nothing any more. */
  revoke(componentName: string): void {
    const token = this.#ofComponent.get(componentName);
    if (token === undefined) return;
    this.#ofComponent.delete(componentName);
    this.#principals.delete(token);
  }

  authenticate(token: string): IpcPrincipal | undefined {
    return this.#principals.get(token);
  }

  /**
   * Writes what the Greengrass CLI needs to reach this agent, readable by the agent's user alone, and
   * removes what earlier agents wrote.
   */
  publishCliInfo(layout: Layout, socketPath: string): void {
    const token = newToken();
    this.#principals.set(token, { cli: true });
    mkdirSync(layout.cliIpcInfo, { recursive: true });
    for (const file of readdirSync(layout.cliIpcInfo)) rmSync(join(layout.cliIpcInfo, file), { force: true });
    const info = { cli_auth_token: token, domain_socket_path: socketPath };
    writeFileDurably(join(layout.cliIpcInfo, `user-${userInfo().uid}`), JSON.stringify(info), 0o600);
  }
}

/** 128 random bits. */
function newToken(): string {
  return randomBytes(16).toString('hex').toUpperCase();
}
