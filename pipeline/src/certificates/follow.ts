import { names, type RotationState } from '@mooring/contracts';
import { readRotationState } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import { z } from 'zod';
import type { CloudConnection } from '../fleet/cloud-connection.js';
import type { RotationProgress } from './progress.js';

/** Rotations that are followed, and how they are seen. */
export interface Follow {
  readonly progress: RotationProgress;
  /** Calls back for every state that is written from now on; resolves when it does. */
  readonly listen: (onState: (thing: string, state: RotationState) => void) => Promise<void>;
  /** What was last written of a device. */
  readonly read: (thing: string) => Promise<RotationState | undefined>;
  /** Asks for the rotations, if they are not under way yet; it is listened before. */
  readonly ask?: () => Promise<void>;
  /** Whether a device is known not to be connected. */
  readonly isOffline: (thing: string) => Promise<boolean>;
  /** Called for each piece of news. */
  readonly onNews: (thing: string, state: RotationState) => void;
  /** Seconds after which they are left to themselves. */
  readonly timeout: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Waits so many milliseconds, or until it is woken. */
  readonly pause: (milliseconds: number, woken: Promise<void>) => Promise<void>;
}

/** How following ended: all came to an end; all that are left are away; or the time is over. */
export interface Followed {
  readonly end: 'done' | 'away' | 'timeout';
  /** Devices that are not connected, as far as they were asked about. */
  readonly offline: readonly string[];
}

/** Devices read at a time. */
const CONCURRENCY = 16;
/** Milliseconds between the first two looks at all that are pending; what is heard needs none. */
const FIRST_LOOK = 2000;
/** Most milliseconds between two looks. */
const SLOWEST_LOOK = 30_000;
/** Milliseconds that a device has to answer before it is asked whether it is there at all. */
const GRACE = 5000;
/** Only so many devices are asked one by one whether they are connected. */
const ASK_CONNECTED = 50;

/**
 * Follows rotations until nothing more is to be expected of them, or the time is over. What is written of them is
 * heard at once; should a message be missed, a look now and then finds it.
 */
export async function followRotations(follow: Follow): Promise<Followed> {
  const { progress, now } = follow;
  let wake: () => void = () => undefined;
  const take = (thing: string, state: RotationState) => {
    if (!progress.take(thing, state)) return;
    follow.onNews(thing, state);
    wake();
  };
  await follow.listen(take);
  await follow.ask?.();
  const begin = now();
  const end = begin + follow.timeout * 1000;
  let interval = FIRST_LOOK;
  let lookAt = begin;
  let offline: string[] = [];
  for (;;) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (now() >= lookAt) {
      await inParallel(progress.pending, CONCURRENCY, async (thing) => {
        const state = await follow.read(thing);
        if (state) take(thing, state);
      });
      if (now() - begin >= GRACE) offline = await awayOf(follow);
      // Also at the very end, before it is given up.
      lookAt = now() < end ? Math.min(now() + interval, end) : Number.POSITIVE_INFINITY;
      interval = Math.min(interval * 1.5, SLOWEST_LOOK);
    }
    if (progress.isOver) return { end: 'done', offline: [] };
    if (offline.length > 0 && progress.pending.every((thing) => offline.includes(thing))) {
      return { end: 'away', offline };
    }
    if (now() >= end) return { end: 'timeout', offline };
    await follow.pause(Math.max(0, lookAt - now()), woken);
  }
}

/** Those that are away; one that was sent its certificate already may just be connecting with it. */
async function awayOf({ progress, isOffline }: Follow): Promise<string[]> {
  const unheard = progress.thingsIn('waiting', 'requested');
  if (unheard.length > ASK_CONNECTED) return [];
  const asked = await Promise.all(unheard.map(async (thing) => ((await isOffline(thing)) ? [thing] : [])));
  return asked.flat();
}

/** Waits for a time, or until it is woken. */
export function pauseUntil(milliseconds: number, woken: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    void woken.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Few devices are listened to one by one; of more, the whole fleet is. */
const LISTEN_TO_EACH = 8;

/** Listens on what the rotation's functions write of things (AWS IoT developer guide, "Shadow MQTT topics"). */
export async function listenToRotations(
  cloud: CloudConnection,
  things: readonly string[],
  onState: (thing: string, state: RotationState) => void,
): Promise<void> {
  const wanted = things.length <= LISTEN_TO_EACH ? things : ['+'];
  for (const thing of wanted) {
    const topic = `$aws/things/${thing}/shadow/name/${names.rotationShadow}/update/documents`;
    await cloud.subscribe(topic, (from, payload) => {
      const state = stateOfUpdate(payload);
      if (state) onState(from.split('/')[2] ?? '', state);
    });
  }
}

const Update = z.object({ current: z.unknown() });

function stateOfUpdate(payload: Uint8Array): RotationState | undefined {
  try {
    const { current } = Update.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    return readRotationState(JSON.stringify(current));
  } catch {
    return undefined;
  }
}
