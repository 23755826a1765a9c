import { join } from 'node:path';
import { z } from 'zod';
import { ComponentError } from '../../runtime/src/errors.js';
import type { Files } from './files.js';

/** A private key and the certificate for it, in PEM. */
export interface KeyPair {
  readonly privateKey: string;
  readonly certificate: string;
}

/** What the cloud calls a certificate that it issued for a rotation and has not confirmed yet. */
const Issued = z.object({ certificateArn: z.string(), certificateId: z.string() });
export type Issued = z.infer<typeof Issued>;

/** When a rotation that was asked for is to begin, in milliseconds since 1970. */
const Request = z.object({ at: z.number() });

/** Which run of the core device holds another pair than the current one, and how often its restart was asked for. */
const StaleCore = z.object({ core: z.string(), asked: z.number() });
export type StaleCore = z.infer<typeof StaleCore>;

/** A folder with one key, and the certificate for it when there is one yet. */
export interface Generation {
  readonly number: number;
  readonly privateKey: string;
  readonly certificate: string | undefined;
  /** Set from when the certificate came until the cloud has confirmed that it is in use. */
  readonly issued: Issued | undefined;
  /** Whether it was found not to work. */
  readonly isGivenUp: boolean;
}

/** What is on the disk, which is all that a rotation remembers. */
export interface Stored {
  readonly current: Generation & KeyPair;
  /** A rotation under way: newer than the current generation. */
  readonly next: Generation | undefined;
  /** What to go back to while the current generation is not confirmed. */
  readonly previous: (Generation & KeyPair) | undefined;
  readonly request: z.infer<typeof Request> | undefined;
  readonly staleCore: StaleCore | undefined;
  /** Names that are of no use any more. */
  readonly litter: readonly string[];
}

const CURRENT = 'current';
const REQUEST = 'request.json';
const STALE_CORE = 'stale-core.json';
const PRIVATE_KEY = 'private.key';
const CERTIFICATE = 'certificate.pem';
const ISSUED = 'issued.json';
const GIVEN_UP = 'given-up';
const GENERATION = /^[1-9]\d*$/;

/**
 * The folder of the device's certificates: generations, numbered, and the link `current` to one of them, through
 * which the core device finds its key and its certificate. The link is what changes; what it leads to does not.
 * Every change here is durable when it has returned, and half of one is as good as none.
 */
export class CertificateStore {
  constructor(
    readonly folder: string,
    private readonly files: Files,
  ) {}

  /** The current certificate, for those who read it by themselves. */
  get certificatePath(): string {
    return join(this.folder, CURRENT, CERTIFICATE);
  }

  /** @throws ComponentError `ENVIRONMENT` when there is no current pair */
  async read(): Promise<Stored> {
    const names = await this.files.list(this.folder);
    const target = await this.files.readLink(this.#at(CURRENT));
    const number = target !== undefined && GENERATION.test(target) ? Number(target) : undefined;
    const all = await Promise.all(
      names.filter((name) => GENERATION.test(name)).map((name) => this.#generation(Number(name))),
    );
    const generations = all.filter((found) => found !== undefined).sort((a, b) => b.number - a.number);
    const current = generations.find((generation) => generation.number === number);
    if (!isPair(current)) {
      throw new ComponentError(
        'ENVIRONMENT',
        `${this.#at(CURRENT)} leads to no private key and certificate; start the component again`,
      );
    }
    const newest = generations[0];
    const next = newest && newest.number > current.number && !newest.isGivenUp ? newest : undefined;
    const older = current.issued && generations.find((generation) => generation.number < current.number);
    const previous = isPair(older) ? older : undefined;
    const kept = new Set([
      CURRENT,
      ...[current, next, previous].map((generation) => `${generation?.number}`),
    ]);
    const isUnderWay = next !== undefined || (current.issued !== undefined && !current.isGivenUp);
    if (!isUnderWay) kept.add(REQUEST);
    kept.add(STALE_CORE);
    return {
      current,
      next,
      previous,
      request: isUnderWay ? undefined : await this.#json(this.#at(REQUEST), Request),
      staleCore: await this.#json(this.#at(STALE_CORE), StaleCore),
      litter: names.filter((name) => !kept.has(name)),
    };
  }

  /** Remembers that a rotation is to begin. */
  async request(at: number): Promise<void> {
    await this.#put(this.folder, REQUEST, JSON.stringify({ at }));
  }

  /** Begins a rotation with a new key; what asked for it is done. */
  async begin(privateKey: string): Promise<void> {
    const names = await this.files.list(this.folder);
    const last = Math.max(0, ...names.filter((name) => GENERATION.test(name)).map(Number));
    const making = this.#at('generation.tmp');
    await this.files.remove(making);
    await this.files.makeFolder(making);
    await this.files.write(join(making, PRIVATE_KEY), privateKey);
    await this.files.flush(making);
    await this.files.rename(making, this.#at(String(last + 1)));
    await this.files.flush(this.folder);
    await this.discard([REQUEST]);
  }

  /** Keeps the certificate that came for a generation's key. */
  async keep(generation: Generation, certificate: string, issued: Issued): Promise<void> {
    const folder = this.#at(String(generation.number));
    await this.#put(folder, CERTIFICATE, certificate);
    await this.#put(folder, ISSUED, JSON.stringify(issued));
  }

  /** Makes a generation the current one: its key and its certificate, in one step. */
  async use(generation: Generation): Promise<void> {
    const making = this.#at('current.tmp');
    await this.files.remove(making);
    await this.files.link(String(generation.number), making);
    await this.files.rename(making, this.#at(CURRENT));
    await this.files.flush(this.folder);
  }

  /** Takes note that a generation does not work, and when the rotation is to begin anew. */
  async giveUp(generation: Generation, again: number): Promise<void> {
    await this.request(again);
    await this.#put(this.#at(String(generation.number)), GIVEN_UP, '');
  }

  /** Takes note that the cloud has confirmed a generation, which ends its rotation. */
  async confirm(generation: Generation): Promise<void> {
    const folder = this.#at(String(generation.number));
    await this.files.remove(join(folder, ISSUED));
    await this.files.flush(folder);
  }

  /** Remembers that this run of the core device has to end before the current pair is in use. */
  async noteStaleCore(stale: StaleCore): Promise<void> {
    await this.#put(this.folder, STALE_CORE, JSON.stringify(stale));
  }

  async forgetStaleCore(): Promise<void> {
    await this.discard([STALE_CORE]);
  }

  /** Removes names from the folder. */
  async discard(names: readonly string[]): Promise<void> {
    for (const name of names) {
      // Half of a generation could be taken for one that a certificate is yet to come for.
      if (GENERATION.test(name)) await this.#retire(name);
      else await this.files.remove(this.#at(name));
    }
    await this.files.flush(this.folder);
  }

  async #retire(name: string): Promise<void> {
    const retired = this.#at('retired.tmp');
    await this.files.remove(retired);
    await this.files.rename(this.#at(name), retired);
    await this.files.flush(this.folder);
    await this.files.remove(retired);
  }

  async #generation(number: number): Promise<Generation | undefined> {
    const at = (name: string) => this.#at(String(number), name);
    const [privateKey, certificate, issued, givenUp] = await Promise.all([
      this.files.read(at(PRIVATE_KEY)),
      this.files.read(at(CERTIFICATE)),
      this.#json(at(ISSUED), Issued),
      this.files.read(at(GIVEN_UP)),
    ]);
    if (privateKey === undefined) return undefined;
    return { number, privateKey, certificate, issued, isGivenUp: givenUp !== undefined };
  }

  /** What a file of ours holds; undefined when it is not there, or not whole. */
  async #json<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const text = await this.files.read(path);
    if (text === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  async #put(folder: string, name: string, text: string): Promise<void> {
    const making = join(folder, `${name}.tmp`);
    await this.files.write(making, text);
    await this.files.rename(making, join(folder, name));
    await this.files.flush(folder);
  }

  #at(...names: string[]): string {
    return join(this.folder, ...names);
  }
}

function isPair(generation: Generation | undefined): generation is Generation & KeyPair {
  return generation?.certificate !== undefined;
}
