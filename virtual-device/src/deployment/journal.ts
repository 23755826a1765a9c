import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { ComponentSet } from '../config/effective-config.js';
import { writeFileDurably } from '../durable-file.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';

/** A deployment as it came: an IoT job, the deployment shadow, or a local request. */
const Deployment = z.object({
  source: z.enum(['IOT_JOBS', 'SHADOW', 'LOCAL']),
  /** The job's id, the configuration's ARN, or the local deployment's id. */
  id: z.string(),
  /** Tells one offer of the same id from another: a job's `queuedAt`, a shadow's version. */
  offer: z.number(),
  /** JSON text. */
  document: z.string(),
});
export type Deployment = z.infer<typeof Deployment>;

const FailureSchema = z.object({
  cause: z.string(),
  stack: z.array(z.string()),
  types: z.array(z.string()),
});

const PackageChange = z.object({
  path: z.string(),
  /** What is to take the path's place; null when it is only to go. */
  fresh: z.string().nullable(),
  /** Where what was at the path waits until the deployment is over. */
  old: z.string(),
  existed: z.boolean(),
});
export type PackageChange = z.infer<typeof PackageChange>;

/**
 * How far a deployment is:
 * - `PREPARING`: nothing is changed that cannot be forgotten
 * - `COMMITTING`: from here on the new set counts; packages and configuration are being exchanged
 * - `ACTIVATING`: the new set is in force, its components come up
 * - `REVERTING`: from here on the old set counts again; packages and configuration are being exchanged
 * - `ROLLING_BACK`: the old set is in force again, its components come up
 */
const Change = z.object({
  before: ComponentSet,
  after: ComponentSet,
  packages: z.array(PackageChange),
  /** Components that begin anew with installing, and those that only start anew. */
  reinstalled: z.array(z.string()),
  restarted: z.array(z.string()),
  /** Components whose bootstrap scripts are still to be run. */
  bootstraps: z.array(z.string()),
  brokenBefore: z.array(z.string()),
  failure: FailureSchema.optional(),
});
export type Change = z.infer<typeof Change>;

const Undertaking = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('PREPARING'), deployment: Deployment }),
  z.object({
    stage: z.enum(['COMMITTING', 'ACTIVATING', 'REVERTING', 'ROLLING_BACK']),
    deployment: Deployment,
    /** The whole document where the deployment itself only names it. */
    document: z.string(),
    change: Change,
  }),
]);
export type Undertaking = z.infer<typeof Undertaking>;
export type ChangeUndertaking = Extract<Undertaking, { change: Change }>;

const Outcome = z.object({
  status: z.enum(['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'REJECTED', 'CANCELED']),
  detailedStatus: z.string().optional(),
  failure: FailureSchema.optional(),
});
export type Outcome = z.infer<typeof Outcome>;

/** What the cloud is still to be told of a deployment. */
const Report = z.object({
  /** Unique among the reports. */
  key: z.string(),
  source: z.enum(['IOT_JOBS', 'SHADOW', 'LOCAL']),
  id: z.string(),
  deploymentId: z.string(),
  configurationArn: z.string(),
  outcome: Outcome,
  removed: z.array(z.string()),
  touched: z.array(z.string()),
  unchangedRoots: z.array(z.string()),
  /** Who has not been told yet. */
  owed: z.array(z.enum(['source', 'fleet-status'])),
});
export type Report = z.infer<typeof Report>;
export type Audience = Report['owed'][number];

const Content = z.object({
  undertaking: Undertaking.optional(),
  reports: z.array(Report),
  /** Deployments that ended lately, so that the cloud's asking again does not do them again. */
  done: z.array(z.object({ source: z.string(), id: z.string(), offer: z.number() })),
});
type Content = z.infer<typeof Content>;

const REMEMBERED = 20;
/** A device that is offline for long keeps the latest results. */
const MAX_REPORTS = 100;

/**
 * The one durable record of what deployments are doing: how far the one under way is, and what the cloud is still
 * to be told of those that ended. Each change of it is one replacement of its file, so that after a power cut the
 * device goes on from one side of every step or the other.
 */
export class DeploymentJournal {
  #content: Content;
  readonly #listeners = new Set<(report: Report) => void>();

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {
    this.#content = read(path);
  }

  /** The deployment that was under way when the device went down, or is now. */
  get undertaking(): Undertaking | undefined {
    return this.#content.undertaking;
  }

  get reports(): readonly Report[] {
    return this.#content.reports;
  }

  isDone(deployment: Pick<Deployment, 'source' | 'id' | 'offer'>): boolean {
    return this.#content.done.some(
      ({ source, id, offer }) =>
        source === deployment.source && id === deployment.id && offer === deployment.offer,
    );
  }

  /**
   * Records how far the deployment is, and at its beginning what to report of that.
   *
   * @throws when it cannot be recorded; then it is as it was
   */
  advance(undertaking: Undertaking, report?: Report): void {
    this.#write({ ...this.#content, undertaking, ...this.#withReport(report) });
    if (report) this.#notify(report);
  }

  /** Records that the deployment is over, and what to report. */
  end(deployment: Deployment, report?: Report): void {
    const { source, id, offer } = deployment;
    const done = [...this.#content.done, { source, id, offer }].slice(-REMEMBERED);
    this.#writeIfPossible({ ...this.#content, undertaking: undefined, done, ...this.#withReport(report) });
    if (report) this.#notify(report);
  }

  /** Someone has been told; a report that is owed to nobody any more is forgotten. */
  settle(key: string, audience: Audience): void {
    const reports = this.#content.reports
      .map((report) =>
        report.key === key ? { ...report, owed: report.owed.filter((owed) => owed !== audience) } : report,
      )
      .filter(({ owed }) => owed.length > 0);
    this.#writeIfPossible({ ...this.#content, reports });
  }

  /** Is told each new report, once it is recorded. */
  onReport(listener: (report: Report) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #withReport(report: Report | undefined): Pick<Content, 'reports'> {
    const reports = report ? [...this.#content.reports, report] : this.#content.reports;
    return { reports: reports.slice(-MAX_REPORTS) };
  }

  #notify(report: Report): void {
    for (const listener of [...this.#listeners]) listener(report);
  }

  /** A full disk keeps nothing from ending: what cannot be recorded is done again after a restart, at worst. */
  #writeIfPossible(content: Content): void {
    try {
      this.#write(content);
    } catch (error) {
      this.#content = content;
      this.log('warn', `The journal of deployments cannot be written: ${messageOf(error)}`);
    }
  }

  #write(content: Content): void {
    writeFileDurably(this.path, JSON.stringify(content), 0o600);
    this.#content = content;
  }
}

function read(path: string): Content {
  const empty: Content = { reports: [], done: [] };
  if (!existsSync(path)) return empty;
  try {
    return Content.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // Written as a whole or not at all: only another hand can have damaged it, and the set in force stands.
    return empty;
  }
}
