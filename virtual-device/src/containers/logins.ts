import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import type { RegistryLogin } from './registry-client.js';

const Logins = z.record(z.string(), z.object({ username: z.string(), password: z.string() }));

/** What `docker login` was told, by registry; readable by who ran it alone. */
export class StoredLogins {
  readonly #path: string;

  constructor(configFolder: string) {
    this.#path = join(configFolder, 'registry-logins.json');
  }

  of(registry: string): RegistryLogin | undefined {
    const logins = this.#read();
    return Object.hasOwn(logins, registry) ? logins[registry] : undefined;
  }

  put(registry: string, login: RegistryLogin): void {
    this.#write({ ...this.#read(), [registry]: login });
  }

  /** @returns whether there was one */
  delete(registry: string): boolean {
    const { [registry]: known, ...others } = this.#read();
    if (known) this.#write(others);
    return known !== undefined;
  }

  #read(): z.infer<typeof Logins> {
    try {
      return Logins.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return {};
    }
  }

  #write(logins: z.infer<typeof Logins>): void {
    writeFileDurably(this.#path, JSON.stringify(logins), 0o600);
  }
}
