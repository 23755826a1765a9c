import type * as sdk from '@aws-sdk/client-iot';
import type { Clock, Timer } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, limitExceeded, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import type { Tables } from '../tables.js';
import { nextRun, readCalendar } from './calendar.js';
import type { AccountConfiguration } from './configuration.js';
import type { AuditTables, Schedule } from './records.js';
import type { AuditRunner } from './runner.js';

/** AWS IoT Device Defender quota. */
const MOST = 5;
const PAGE = 25;
const NAME = /^[a-zA-Z0-9:_-]+$/;

export interface ScheduleParts {
  readonly tables: AuditTables;
  readonly registry: Tables;
  readonly changes: Changes;
  readonly arns: IotArns;
  readonly clock: Clock;
  readonly runner: AuditRunner;
  readonly configuration: AccountConfiguration;
}

/** Audits that take place again and again. One that fell due while nothing ran is made up for once. */
export class Schedules {
  #timer: Timer | undefined;
  #closed = false;

  constructor(private readonly parts: ScheduleParts) {}

  /** Begins what is due and waits for what will be. */
  arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#closed) return;
    const { tables, clock, changes, runner } = this.parts;
    const now = clock.now();
    changes.transaction(() => {
      for (const [name, schedule] of [...tables.schedules.entries()]) {
        if (schedule.next > now) continue;
        runner.begin(schedule.checks, { name, last: schedule.last });
        tables.schedules.put(name, { ...schedule, last: now, next: nextRun(schedule, now, schedule.next) });
      }
    });
    const next = Math.min(...[...tables.schedules.entries()].map(([, schedule]) => schedule.next));
    if (Number.isFinite(next)) this.#timer = clock.after(Math.max(next - now, 0), () => this.arm());
  }

  /** @throws ResourceNotFoundException */
  existing(name: string | undefined): Schedule {
    const schedule = this.parts.tables.schedules.get(checked(name, 'scheduledAuditName', NAME, 128));
    if (schedule) return schedule;
    throw notFound(`Scheduled audit ${name} does not exist.`);
  }

  names(): string[] {
    return [...this.parts.tables.schedules.entries()].map(([name]) => name);
  }

  deleteAll(): void {
    for (const name of this.names()) this.#delete(name);
    this.arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  readonly operations = {
    CreateScheduledAudit: (input: sdk.CreateScheduledAuditCommandInput) => {
      const { tables, registry, changes, arns, clock, configuration } = this.parts;
      const name = checked(input.scheduledAuditName, 'scheduledAuditName', NAME, 128);
      const calendar = readCalendar(onlyCalendar(input));
      const checks = configuration.enabled(input.targetCheckNames);
      const scheduledAuditArn = arns.of(`scheduledaudit/${name}`);
      changes.transaction(() => {
        const names = this.names();
        if (names.includes(name)) {
          throw alreadyExists(`Scheduled audit ${name} already exists.`, name, scheduledAuditArn);
        }
        if (names.length >= MOST)
          throw limitExceeded(`An account can have at most ${MOST} scheduled audits.`);
        tables.schedules.put(name, { name, ...calendar, checks, next: nextRun(calendar, clock.now()) });
        if (input.tags?.length) registry.tags.put(scheduledAuditArn, tagsOf(input.tags));
      });
      this.arm();
      return { scheduledAuditArn };
    },

    UpdateScheduledAudit: (input: sdk.UpdateScheduledAuditCommandInput) => {
      const { tables, changes, arns, clock, configuration } = this.parts;
      const name = changes.transaction(() => {
        const { frequency, dayOfMonth, dayOfWeek, ...schedule } = this.existing(input.scheduledAuditName);
        // A day of the former frequency is forgotten with it.
        const kept = input.frequency === undefined || input.frequency === frequency;
        const weekly = input.frequency === 'WEEKLY' || input.frequency === 'BIWEEKLY';
        const calendar = readCalendar({
          frequency: input.frequency ?? frequency,
          dayOfMonth: input.dayOfMonth ?? (kept ? dayOfMonth : undefined),
          dayOfWeek: input.dayOfWeek ?? (kept || weekly ? dayOfWeek : undefined),
        });
        const same =
          calendar.frequency === frequency &&
          calendar.dayOfMonth === dayOfMonth &&
          calendar.dayOfWeek === dayOfWeek;
        tables.schedules.put(schedule.name, {
          ...schedule,
          ...calendar,
          ...(input.targetCheckNames && { checks: configuration.enabled(input.targetCheckNames) }),
          next: same ? schedule.next : nextRun(calendar, clock.now()),
        });
        return schedule.name;
      });
      this.arm();
      return { scheduledAuditArn: arns.of(`scheduledaudit/${name}`) };
    },

    DescribeScheduledAudit: ({ scheduledAuditName }: sdk.DescribeScheduledAuditCommandInput) => {
      const schedule = this.existing(scheduledAuditName);
      return { ...this.#summary(schedule), targetCheckNames: schedule.checks };
    },

    ListScheduledAudits: ({ nextToken, maxResults }: sdk.ListScheduledAuditsCommandInput) => {
      const all = this.names();
      const { items, next } = pageOf(all, (name) => name, nextToken, maxResults ?? PAGE);
      return {
        scheduledAudits: items.map((name) => this.#summary(this.existing(name))),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    DeleteScheduledAudit: ({ scheduledAuditName }: sdk.DeleteScheduledAuditCommandInput) => {
      this.#delete(this.existing(scheduledAuditName).name);
      this.arm();
      return {};
    },
  } satisfies Operations<typeof sdk>;

  #delete(name: string): void {
    const { tables, registry, changes, arns } = this.parts;
    changes.transaction(() => {
      tables.schedules.delete(name);
      registry.tags.delete(arns.of(`scheduledaudit/${name}`));
    });
  }

  #summary({ name, frequency, dayOfMonth, dayOfWeek }: Schedule) {
    return {
      frequency,
      ...(dayOfMonth !== undefined && { dayOfMonth }),
      ...(dayOfWeek && { dayOfWeek }),
      scheduledAuditName: name,
      scheduledAuditArn: this.parts.arns.of(`scheduledaudit/${name}`),
    };
  }
}

function onlyCalendar({ frequency, dayOfMonth, dayOfWeek }: sdk.CreateScheduledAuditCommandInput) {
  return { frequency, dayOfMonth, dayOfWeek };
}
