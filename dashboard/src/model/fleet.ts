import { DEVICES_AT_ONCE, type DeviceDetails, type DeviceSummary, type FleetPage } from '@mooring/contracts';
import { type Signal, signal } from '@preact/signals';
import { sentenceOf } from '../cloud/problem.js';
import type { Clock } from './clock.js';
import { type Frames, Gathering } from './frames.js';
import type { Change } from './live-topics.js';

/** What a device's LED does, as the device itself said it last. */
export interface LedState {
  /** Hertz. */
  frequency?: number;
  blinking?: boolean;
  at: number;
  /** Whether it was heard as it happened: what a table says is not newer then. */
  live?: boolean;
}

/** A device as the page knows it. Replaced when something changes, so that two are the same if they are identical. */
export interface FleetDevice {
  readonly thing: string;
  readonly summary: DeviceSummary;
  readonly details?: DeviceDetails;
  readonly led?: LedState;
}

/** How far the reading of the list is. */
export type Reading =
  | { state: 'reading'; count: number }
  | { state: 'complete' }
  | { state: 'failed'; problem: string };

/** The part of the API that the fleet is read with. */
export interface FleetReader {
  fleet(next?: string): Promise<FleetPage>;
  devices(things: readonly string[]): Promise<{ devices: DeviceDetails[] }>;
}

/** The list is read again after this, and so much longer for each device, in milliseconds. */
const AGAIN = 60_000;
const AGAIN_FOR_EACH = 120;
/** For so long a stage of a rotation that was heard counts more than one that is read, in milliseconds. */
const INDEX_DELAY = 15_000;
/** Details of a device that is on the screen are read again after this, in milliseconds. */
const STALE = 30_000;

/**
 * All devices: the list, read page by page in the background; details of those that somebody looks at, read in
 * batches; and what the live messages change of both.
 */
export class Fleet {
  /** Grows with each change that is to be drawn, some times a second at most. */
  readonly version: Signal<number> = signal(0);
  readonly reading: Signal<Reading> = signal({ state: 'reading', count: 0 });
  private readonly devices = new Map<string, FleetDevice>();
  private readonly drawing: Gathering;
  /** When the details of a device were asked for last. */
  private readonly asked = new Map<string, number>();
  /** When a stage of a device's rotation was heard last. */
  private readonly heard = new Map<string, number>();
  private looked: readonly string[] = [];
  private batch: Promise<void> | undefined;
  private readings = 0;
  private lastRead = 0;

  constructor(
    private readonly reader: FleetReader,
    private readonly clock: Clock,
    frames: Frames,
  ) {
    this.drawing = new Gathering(() => {
      this.version.value += 1;
    }, frames);
  }

  get(thing: string): FleetDevice | undefined {
    return this.devices.get(thing);
  }

  all(): FleetDevice[] {
    return [...this.devices.values()];
  }

  /** Reads the whole list; devices that are not in it any more go. What is there stays until then. */
  read(): Promise<void> {
    this.asked.clear();
    // What was live before may have been missed since.
    for (const [thing, device] of this.devices) {
      if (device.led?.live) this.devices.set(thing, { ...device, led: { ...device.led, live: false } });
    }
    this.reading.value = { state: 'reading', count: 0 };
    return this.readList(true);
  }

  /**
   * Reads the list again, for what no message tells, such as the health of devices that nobody looks at. To be called
   * now and then: it does so the less often, the more devices there are.
   */
  async readAgain(): Promise<void> {
    const gap = Math.max(AGAIN, this.devices.size * AGAIN_FOR_EACH);
    if (this.reading.peek().state === 'reading' || this.clock.now() - this.lastRead < gap) return;
    await this.readList(false);
  }

  private async readList(tell: boolean): Promise<void> {
    this.readings += 1;
    this.lastRead = this.clock.now();
    const reading = this.readings;
    const seen = new Set<string>();
    const begun = new Set(this.devices.keys());
    try {
      let next: string | undefined;
      do {
        const page = await this.reader.fleet(next);
        if (reading !== this.readings) return;
        for (const summary of page.devices) {
          seen.add(summary.thing);
          this.put(summary.thing, { summary: this.newest(summary) });
        }
        if (tell) this.reading.value = { state: 'reading', count: seen.size };
        next = page.next;
      } while (next !== undefined);
      for (const thing of begun) if (!seen.has(thing)) this.drop(thing);
      this.reading.value = { state: 'complete' };
    } catch (error) {
      if (reading === this.readings) this.reading.value = { state: 'failed', problem: sentenceOf(error) };
    }
  }

  /** Forgets everything, for another visitor. */
  clear(): void {
    this.readings += 1;
    this.devices.clear();
    this.asked.clear();
    this.reading.value = { state: 'reading', count: 0 };
    this.drawing.changed();
  }

  /** Says which devices are on the screen: their details are read, and read again while they stay. */
  look(things: readonly string[]): void {
    this.looked = things;
    void this.readDetails();
  }

  /** Reads the details of one device now. @throws CloudProblem */
  async refresh(thing: string): Promise<DeviceDetails | undefined> {
    this.asked.set(thing, this.clock.now());
    const { devices } = await this.reader.devices([thing]);
    const details = devices.find((device) => device.thing === thing);
    if (details === undefined) this.drop(thing);
    else this.takeDetails(details);
    return details;
  }

  /** Reads details of what is on the screen and not fresh; to be called now and then. */
  async readDetails(): Promise<void> {
    if (this.batch !== undefined) return this.batch;
    const now = this.clock.now();
    const wanted = this.looked
      .filter((thing) => now - (this.asked.get(thing) ?? Number.NEGATIVE_INFINITY) >= STALE)
      .slice(0, DEVICES_AT_ONCE);
    if (wanted.length === 0) return;
    for (const thing of wanted) this.asked.set(thing, now);
    this.batch = this.reader.devices(wanted).then(
      ({ devices }) => {
        for (const device of devices) this.takeDetails(device);
      },
      () => {
        for (const thing of wanted) this.asked.delete(thing);
      },
    );
    const failed = await this.batch.then(() => wanted.every((thing) => !this.asked.has(thing)));
    this.batch = undefined;
    // What failed waits for the next time; more of them may have come to the screen meanwhile.
    if (!failed) await this.readDetails();
  }

  /** Takes what a live message says. */
  apply(change: Change): void {
    if (change.kind === 'job') {
      if (change.thing !== undefined) this.expire(change.thing);
      return;
    }
    const { thing } = change;
    const device = this.devices.get(thing);
    if (change.kind === 'thing') {
      if (!change.exists) this.drop(thing);
      else if (device === undefined) void this.refresh(thing).catch(() => undefined);
      return;
    }
    if (device === undefined) return;
    const at = this.clock.now();
    switch (change.kind) {
      case 'frequency':
        this.put(thing, { led: { ...device.led, frequency: change.frequency, at, live: true } });
        break;
      case 'button':
        this.put(thing, { led: { ...device.led, blinking: change.blinking, at, live: true } });
        break;
      case 'connection': {
        if ((device.summary.connectionAt ?? 0) > change.at) break;
        const { connected, at: connectionAt } = change;
        this.put(thing, { summary: { ...device.summary, connected, connectionAt } });
        break;
      }
      case 'rotation': {
        const certificateId = change.certificateId ?? device.summary.rotation?.certificateId;
        const rotation = { stage: change.stage, at, certificateId };
        this.heard.set(thing, at);
        this.put(thing, { summary: { ...device.summary, rotation } });
        if (change.stage === 'completed') this.expire(thing);
      }
    }
  }

  /** Takes what the table of telemetry says of the LED, unless a live message said something newer. */
  takeLed(thing: string, led: LedState): void {
    const device = this.devices.get(thing);
    if (device !== undefined && !device.led?.live && (device.led?.at ?? 0) < led.at) this.put(thing, { led });
  }

  private takeDetails(details: DeviceDetails): void {
    const {
      components: _,
      certificates: _certificates,
      deployments: _deployments,
      led,
      ...summary
    } = details;
    this.put(details.thing, { summary: this.newest(summary), details });
    if (led !== undefined) this.takeLed(details.thing, led);
  }

  /** Its details are read anew when they are on the screen. */
  private expire(thing: string): void {
    this.asked.delete(thing);
    if (this.looked.includes(thing)) void this.readDetails();
  }

  private put(thing: string, change: Partial<FleetDevice>): void {
    this.devices.set(thing, { ...(this.devices.get(thing) ?? { thing, summary: { thing } }), ...change });
    this.drawing.changed();
  }

  private drop(thing: string): void {
    this.asked.delete(thing);
    if (this.devices.delete(thing)) this.drawing.changed();
  }

  /** Joins what was read with what is known: the fleet index is behind the devices, live messages are not. */
  private newest(read: DeviceSummary): DeviceSummary {
    const known = this.devices.get(read.thing)?.summary;
    if (known === undefined) return read;
    const joined = { ...read };
    if ((known.connectionAt ?? 0) > (read.connectionAt ?? 0)) {
      joined.connected = known.connected;
      joined.connectionAt = known.connectionAt;
    }
    const heard = this.heard.get(read.thing) ?? Number.NEGATIVE_INFINITY;
    if (this.clock.now() - heard < INDEX_DELAY) joined.rotation = known.rotation;
    if ((known.healthAt ?? 0) > (read.healthAt ?? 0)) {
      joined.health = known.health;
      joined.healthAt = known.healthAt;
    }
    return joined;
  }
}
