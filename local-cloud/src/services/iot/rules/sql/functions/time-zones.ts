/** Time zones: ids of the IANA database, offsets such as `+01:00` and `UTC+1`, and the common abbreviations. */

/** Abbreviations that Java's formats write and read; where several places share one, the United States' is meant. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  UTC: 'UTC',
  GMT: 'UTC',
  UT: 'UTC',
  Z: 'UTC',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  WET: 'Europe/Lisbon',
  CET: 'Europe/Paris',
  CEST: 'Europe/Paris',
  EET: 'Europe/Athens',
  EEST: 'Europe/Athens',
  BST: 'Europe/London',
  JST: 'Asia/Tokyo',
  IST: 'Asia/Kolkata',
};

const OFFSET = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$/;

export interface Zone {
  readonly id: string;
  /** Milliseconds that the zone's clocks are ahead of UTC at an instant. */
  offset(instant: number): number;
  /** `CST`, or `Central Standard Time`. */
  name(instant: number, style: 'short' | 'long'): string;
}

const CACHED = 100;
const zones = new Map<string, Zone | undefined>();

/** Undefined for what is no time zone. */
export function findZone(id: string): Zone | undefined {
  if (zones.has(id)) return zones.get(id);
  const zone = fixedZone(id) ?? namedZone(ABBREVIATIONS[id] ?? id);
  if (zones.size >= CACHED) zones.clear();
  zones.set(id, zone);
  return zone;
}

/** The instant at which the zone's clocks show a time, given as if they showed UTC. */
export function instantOf(local: number, zone: Zone): number {
  const guess = local - zone.offset(local);
  return local - zone.offset(guess);
}

function fixedZone(id: string): Zone | undefined {
  if (ABBREVIATIONS[id] === 'UTC') return fixed('UTC', 0);
  const [, sign, hours, minutes = '0', seconds = '0'] = OFFSET.exec(id) ?? [];
  if (sign === undefined || Number(hours) > 18 || Number(minutes) > 59 || Number(seconds) > 59)
    return undefined;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return fixed(id, sign === '-' ? -offset : offset);
}

function fixed(id: string, offset: number): Zone {
  return {
    id,
    offset: () => offset,
    name: (_, style) => (id === 'UTC' && style === 'long' ? 'Coordinated Universal Time' : id),
  };
}

function namedZone(id: string): Zone | undefined {
  try {
    const clock = new Intl.DateTimeFormat('en-US', {
      timeZone: id,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    const names: { [S in 'short' | 'long']?: (instant: number) => string } = {};
    return {
      id,
      offset: (instant) => wallClock(clock, instant) - Math.floor(instant / 1000) * 1000,
      name: (instant, style) => {
        names[style] ??= zoneNames(id, style);
        return names[style](instant);
      },
    };
  } catch {
    return undefined;
  }
}

/** Names of a zone as the United States abbreviate it, or else Great Britain: each knows its neighbours' zones. */
function zoneNames(id: string, style: 'short' | 'long'): (instant: number) => string {
  const locales = ['en-US', 'en-GB'].map(
    (locale) => new Intl.DateTimeFormat(locale, { timeZone: id, timeZoneName: style }),
  );
  return (instant) => {
    const names = locales.map(
      (locale) => locale.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? id,
    );
    return names.find((name) => !name.startsWith('GMT')) ?? names[0] ?? id;
  };
}

/** What the zone's clocks show, in whole seconds, as if they showed UTC. */
function wallClock(clock: Intl.DateTimeFormat, instant: number): number {
  const fields: Record<string, string> = {};
  for (const { type, value } of clock.formatToParts(instant)) fields[type] = value;
  const year = Number(fields.year) * (fields.era === 'BC' ? -1 : 1) + (fields.era === 'BC' ? 1 : 0);
  const date = new Date(0);
  date.setUTCFullYear(year, Number(fields.month) - 1, Number(fields.day));
  date.setUTCHours(Number(fields.hour), Number(fields.minute), Number(fields.second));
  return date.getTime();
}
