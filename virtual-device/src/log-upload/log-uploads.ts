import { type Clock, pause } from '../clock.js';
import { messageOf } from '../errors.js';
import type { JsonValue } from '../ipc/capabilities.js';
import type { Log } from '../log/device-log.js';
import { type LogUploadConfiguration, parseLogUploadConfiguration } from './configuration.js';
import { UploadPositions } from './positions.js';
import { type LogDestination, uploadLog } from './upload.js';

export interface LogUploadsOptions {
  readonly thingName: string;
  readonly region: string;
  readonly logsFolder: string;
  /** Keeps how far each file is uploaded. */
  readonly positionsFile: string;
  /** The log manager's configuration as it is now; undefined while it is not deployed. */
  readonly configuration: () => JsonValue | undefined;
  readonly destination: LogDestination;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What the component `aws.greengrass.LogManager` does: uploads the logs that its configuration names, again
 * and again. Offline it waits.
 */
export class LogUploads {
  readonly #stop = new AbortController();
  #changed = new AbortController();
  #running: Promise<void> | undefined;
  #parsed: { source: string; configuration: LogUploadConfiguration } | undefined;
  readonly #failing = new Set<string>();

  constructor(private readonly options: LogUploadsOptions) {}

  start(): void {
    this.#running ??= this.#run();
  }

  /** The log manager was deployed, configured anew or removed. */
  configurationChanged(): void {
    this.#changed.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { options } = this;
    const { signal } = this.#stop;
    let positions: UploadPositions | undefined;
    while (!signal.aborted) {
      this.#changed = new AbortController();
      const wake = AbortSignal.any([signal, this.#changed.signal]);
      const configuration = this.#configuration();
      if (!configuration) {
        await aborted(wake);
        continue;
      }
      positions ??= new UploadPositions(options.positionsFile, options.log);
      for (const source of configuration.sources) {
        if (signal.aborted) return;
        try {
          await uploadLog(source, { ...options, positions, signal });
          this.#failing.delete(source.component);
        } catch (error) {
          if (!signal.aborted) this.#report(source.component, error);
        }
      }
      await pause(options.clock, configuration.interval, wake).catch(() => {});
    }
  }

  #configuration(): LogUploadConfiguration | undefined {
    const { configuration, logsFolder, log } = this.options;
    const value = configuration();
    if (value === undefined) return undefined;
    const source = JSON.stringify(value);
    if (this.#parsed?.source !== source) {
      this.#parsed = { source, configuration: parseLogUploadConfiguration(value, logsFolder) };
      for (const problem of this.#parsed.configuration.problems) {
        log('error', `The configuration of the log manager: ${problem}; this part is left out`);
      }
    }
    return this.#parsed.configuration;
  }

  /** Once until it goes well again: a device may be offline for days. */
  #report(component: string, error: unknown): void {
    if (this.#failing.has(component)) return;
    this.#failing.add(component);
    this.options.log('warn', `The logs of ${component} cannot be uploaded now: ${messageOf(error)}`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
