import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Report } from '../deployment/journal.js';
import { messageOf } from '../errors.js';
import { NUCLEUS_VERSION } from '../nucleus-version.js';
import { Exchange } from './exchange.js';
import type { ListenerOptions } from './jobs-listener.js';
import { jsonOf, type Messaging } from './messaging.js';

/** The named shadow that a deployment to one thing is. */
const SHADOW = 'AWSManagedGreengrassV2Deployment';

const Document = z.object({
  version: z.number(),
  state: z.object({
    desired: z.object({ fleetConfig: z.string().nullish(), desiredStatus: z.string().nullish() }).nullish(),
    reported: z
      .object({ fleetConfigurationArnForStatus: z.string().nullish(), status: z.string().nullish() })
      .nullish(),
  }),
});
const Named = z.object({ configurationArn: z.string().min(1) });
const Answer = z.object({ clientToken: z.string().optional(), version: z.number().optional() });
const Refusal = z.object({
  clientToken: z.string().optional(),
  code: z.number().optional(),
  message: z.string().optional(),
});

const CANCELED = 'CANCELED';
const TERMINAL = ['SUCCEEDED', 'FAILED', 'REJECTED', CANCELED];
const NOT_FOUND = 404;
const CONFLICT = 409;

/**
 * Takes deployments to this thing alone, which its shadow `AWSManagedGreengrassV2Deployment` desires, and reports
 * there what becomes of them, as the nucleus does.
 */
export class ShadowDeploymentListener {
  readonly #prefix: string;
  readonly #get: Exchange;
  readonly #update: Exchange;
  /** The newest version of the shadow that was heard of; older documents are not looked at. */
  #version = 0;
  /** The report that is on its way, and the token that its answer will carry. */
  #sending: { readonly report: Report; readonly token: string } | undefined;
  #off: (() => void)[] = [];

  constructor(private readonly options: ListenerOptions) {
    this.#prefix = `$aws/things/${options.thingName}/shadow/name/${SHADOW}`;
    this.#get = new Exchange(options.clock, () =>
      this.#publish(`${this.#prefix}/get`, { clientToken: randomUUID() }),
    );
    this.#update = new Exchange(options.clock, () => this.#sendUpdate());
  }

  /** Subscribes; from then on it asks and reports with each connection. */
  start(): void {
    const { messaging, journal } = this.options;
    this.#subscribe(`${this.#prefix}/get/accepted`, (packet) => {
      this.#get.answered();
      this.#told(jsonOf(packet));
    });
    this.#subscribe(`${this.#prefix}/get/rejected`, (packet) => {
      const code = Refusal.safeParse(jsonOf(packet)).data?.code;
      // There never was a deployment to this thing.
      if (code === NOT_FOUND) this.#get.answered();
    });
    this.#subscribe(`${this.#prefix}/update/accepted`, (packet) => {
      const value = jsonOf(packet);
      const answer = Answer.safeParse(value).data;
      if (this.#sending && answer?.clientToken === this.#sending.token) {
        this.#version = Math.max(this.#version, answer.version ?? 0);
        this.#updated();
        return;
      }
      this.#told(value);
    });
    this.#subscribe(`${this.#prefix}/update/rejected`, (packet) => {
      const refusal = Refusal.safeParse(jsonOf(packet)).data;
      if (!this.#sending || refusal?.clientToken !== this.#sending.token) return;
      if (refusal.code === CONFLICT) {
        // Someone was faster: the shadow is read again, and the report follows under its new version.
        this.#get.open();
        return;
      }
      if ((refusal.code ?? 500) >= 500 || refusal.code === 429) return;
      this.options.log('warn', `AWS IoT does not take the status of the deployment: ${refusal.message}`);
      this.#updated();
    });
    this.#off.push(
      messaging.onState((state) => {
        if (state === 'connected') this.#connected();
      }),
      journal.onReport(() => this.#report()),
    );
    if (messaging.state === 'connected') this.#connected();
  }

  close(): void {
    for (const off of this.#off) off();
    this.#get.answered();
    this.#update.answered();
  }

  #connected(): void {
    this.#get.open();
    if (this.#sending) this.#update.open();
    else this.#report();
  }

  #told(value: unknown): void {
    const { queue, log } = this.options;
    const parsed = Document.safeParse(value);
    if (!parsed.success) return;
    const { version, state } = parsed.data;
    if (version < this.#version) return;
    this.#version = version;
    if (this.#sending) this.#update.open();
    const { fleetConfig, desiredStatus } = state.desired ?? {};
    if (desiredStatus === CANCELED) {
      queue.cancel('SHADOW');
      return;
    }
    // Someone's report, or the desired state's other half.
    if (fleetConfig === undefined || fleetConfig === null) return;
    const arn = arnOf(fleetConfig);
    if (arn === undefined) {
      log('error', 'The deployment shadow desires something that names no configuration');
      return;
    }
    const { fleetConfigurationArnForStatus: reported, status } = state.reported ?? {};
    if (reported === arn && TERMINAL.includes(status ?? '')) return;
    queue.cancel('SHADOW', arn);
    // Each configuration is one revision, whose ARN tells it from all others.
    queue.offer({ source: 'SHADOW', id: arn, offer: 0, document: fleetConfig });
  }

  /** Sends the oldest report that the cloud is owed, one at a time so that they arrive in order. */
  #report(): void {
    if (this.#sending) return;
    const report = this.options.journal.reports.find(
      ({ source, owed }) => source === 'SHADOW' && owed.includes('source'),
    );
    if (!report) return;
    this.#sending = { report, token: randomUUID() };
    this.#update.open();
  }

  #sendUpdate(): void {
    if (!this.#sending) return;
    const { report, token } = this.#sending;
    const { outcome, id } = report;
    const { failure } = outcome;
    this.#publish(`${this.#prefix}/update`, {
      ...(this.#version > 0 && { version: this.#version }),
      state: {
        reported: {
          fleetConfigurationArnForStatus: id,
          status: outcome.status,
          ggcVersion: NUCLEUS_VERSION,
          // A shadow keeps what it is not told of, such as why an earlier deployment failed: null takes it away.
          statusDetails: {
            detailedStatus: outcome.detailedStatus ?? null,
            failureCause: failure?.cause ?? null,
            errorStack: failure?.stack ?? null,
            errorTypes: failure?.types ?? null,
          },
        },
      },
      clientToken: token,
    });
  }

  #updated(): void {
    const sending = this.#sending;
    if (!sending) return;
    this.#update.answered();
    this.#sending = undefined;
    this.options.journal.settle(sending.report.key, 'source');
    this.#report();
  }

  #publish(topic: string, message: unknown): void {
    const { messaging, log } = this.options;
    if (messaging.state !== 'connected') return;
    messaging
      .publish(topic, Buffer.from(JSON.stringify(message)), { qos: 1 })
      .catch((error: unknown) => log('warn', messageOf(error)));
  }

  #subscribe(filter: string, handler: Parameters<Messaging['subscribe']>[2]): void {
    const { messaging, log } = this.options;
    messaging.subscribe(filter, 1, handler).catch((error: unknown) => log('error', messageOf(error)));
  }
}

function arnOf(fleetConfig: string): string | undefined {
  try {
    return Named.parse(JSON.parse(fleetConfig)).configurationArn;
  } catch {
    return undefined;
  }
}
