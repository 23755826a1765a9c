import {
  AllowlistAnswer,
  AllowlistChange,
  ApiProblem,
  type DashboardConfig,
  DeploymentDetails,
  DeploymentsPage,
  DevicesAnswer,
  EventsPage,
  FleetPage,
  LogPage,
  RotationAnswer,
  TelemetryAnswer,
} from '@mooring/contracts';
import type { z } from 'zod';
import type { Clock } from '../model/clock.js';
import { CloudProblem } from './problem.js';
import type { Session } from './session.js';
import { signForFunctionUrl } from './signing.js';

interface Call<T> {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Record<string, string | number | readonly string[] | undefined>;
  answer: z.ZodType<T>;
}

/**
 * The functions `reader` and `operator`, as `contracts/src/dashboard.ts` describes them. Every call fails with a
 * {@link CloudProblem}: the function's own, `Forbidden` when the cloud did not let the visitor call it, `Unreachable`
 * when nothing answered.
 */
export class Api {
  constructor(
    private readonly config: DashboardConfig,
    private readonly session: Session,
    private readonly clock: Clock,
    /** Told after each call whether the cloud answered at all. */
    private readonly heard: (answered: boolean) => void,
  ) {}

  readonly fleet = (next?: string): Promise<FleetPage> =>
    this.read({ path: '/fleet', query: { next }, answer: FleetPage });

  readonly devices = (things: readonly string[]): Promise<DevicesAnswer> =>
    this.read({ path: '/devices', query: { thing: things }, answer: DevicesAnswer });

  /** @param range in milliseconds since 1970; at most `points` points of it are answered. */
  readonly telemetry = (
    thing: string,
    range: { from: number; to: number },
    points: number,
  ): Promise<TelemetryAnswer> =>
    this.read({
      path: `/devices/${encodeURIComponent(thing)}/telemetry`,
      query: { from: Math.floor(range.from), to: Math.ceil(range.to), points },
      answer: TelemetryAnswer,
    });

  readonly logs = (thing: string, component: string, next?: string): Promise<LogPage> =>
    this.read({
      path: `/devices/${encodeURIComponent(thing)}/logs`,
      query: { component, next },
      answer: LogPage,
    });

  readonly deployments = (next?: string): Promise<DeploymentsPage> =>
    this.read({ path: '/deployments', query: { next }, answer: DeploymentsPage });

  readonly deployment = (id: string): Promise<DeploymentDetails> =>
    this.read({ path: `/deployments/${encodeURIComponent(id)}`, answer: DeploymentDetails });

  readonly events = (thing?: string, next?: string): Promise<EventsPage> =>
    this.read({ path: '/events', query: { thing, next }, answer: EventsPage });

  readonly allowlist = (): Promise<AllowlistAnswer> =>
    this.read({ path: '/allowlist', answer: AllowlistAnswer });

  readonly rotate = (thing: string): Promise<RotationAnswer> =>
    this.act({
      method: 'POST',
      path: `/devices/${encodeURIComponent(thing)}/rotation`,
      answer: RotationAnswer,
    });

  readonly allow = (serial: string): Promise<AllowlistChange> =>
    this.act({ method: 'PUT', path: `/allowlist/${encodeURIComponent(serial)}`, answer: AllowlistChange });

  readonly remove = (serial: string): Promise<AllowlistChange> =>
    this.act({ method: 'DELETE', path: `/allowlist/${encodeURIComponent(serial)}`, answer: AllowlistChange });

  private read<T>(call: Call<T>): Promise<T> {
    return this.call(this.config.readerUrl, call);
  }

  private act<T>(call: Call<T>): Promise<T> {
    return this.call(this.config.operatorUrl, call);
  }

  private async call<T>(baseUrl: string, { method = 'GET', path, query = {}, answer }: Call<T>): Promise<T> {
    let response: Response;
    let body: unknown;
    try {
      const credentials = await this.session.credentials();
      const { url, init } = await signForFunctionUrl(
        { method, baseUrl, path, query: queryOf(query) },
        credentials,
        this.config.region,
        new Date(this.clock.now()),
      );
      response = await fetch(url, init).catch(() => {
        throw new CloudProblem('Unreachable', 'the cloud does not answer');
      });
      body = await response.json().catch(() => undefined);
    } catch (error) {
      if (error instanceof CloudProblem && error.code === 'Unreachable') this.heard(false);
      throw error;
    }
    this.heard(true);
    if (!response.ok) throw problemOf(response.status, body);
    const parsed = answer.safeParse(body);
    if (!parsed.success) {
      throw new CloudProblem('BadAnswer', `${path} was answered with something unexpected`);
    }
    return parsed.data;
  }
}

function problemOf(status: number, body: unknown): CloudProblem {
  const known = ApiProblem.safeParse(body);
  if (known.success) return new CloudProblem(known.data.code, known.data.message, status);
  if (status === 403) return new CloudProblem('Forbidden', 'you are not allowed to do this', status);
  return new CloudProblem(`Status${status}`, `the cloud answered with status ${status}`, status);
}

function queryOf(query: NonNullable<Call<unknown>['query']>): Record<string, string | string[]> {
  const given: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    given[name] = typeof value === 'object' ? [...value] : String(value);
  }
  return given;
}
