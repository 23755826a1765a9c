import type { IoTClient } from '@aws-sdk/client-iot';
import type { RotationState } from '@mooring/contracts';
import { attachedCertificates, connectivity, rotationState } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import { MooringError } from '../errors.js';
import { connectToCloud } from '../fleet/cloud-connection.js';
import { checkThing } from '../fleet/thing.js';
import type { Target } from '../target.js';
import { type CertificateClients, withCertificateClients } from './fleet-certificates.js';
import { type Followed, followRotations, listenToRotations, pauseUntil } from './follow.js';
import { type ExpectedRotation, RotationProgress } from './progress.js';
import { requestRotation } from './request.js';

export interface RotateOptions {
  /** Whether to wait until the devices have their new certificates. */
  readonly wait: boolean;
  /** Seconds to wait. */
  readonly timeout: number;
  readonly onProgress: (line: string) => void;
}

/** What came of asking one device. */
export interface RotatedThing {
  readonly thing: string;
  /**
   * - `rotated`: it has a new certificate, and the old one is gone
   * - `requested`: it was asked, and nobody waited
   * - `away`: it is not connected; it was asked, and rotates when it is back
   * - `unfinished`: it was not through in time
   * - `refused`: `reason` says why
   */
  readonly outcome: 'rotated' | 'requested' | 'away' | 'unfinished' | 'refused';
  /** The new certificate. */
  readonly certificateId?: string;
  /** The certificates that it had before. */
  readonly old: readonly string[];
  /** How far it was, when it was not through. */
  readonly stage?: string;
  readonly reason?: string;
}

/** Things asked in one call of the function. */
const BATCH = 100;
/** Things read at a time. */
const CONCURRENCY = 8;

/**
 * Asks devices to rotate their certificates now, and sees to it that they do.
 *
 * @throws MooringError `InvalidThing`, `NoThing` when a device does not exist; then none is asked.
 * @throws MooringError as {@link requestRotation} does.
 */
export async function rotateCertificates(
  target: Target,
  wanted: readonly string[],
  options: RotateOptions,
): Promise<RotatedThing[]> {
  for (const thing of wanted) checkThing(thing);
  const things = [...new Set(wanted)];
  return withCertificateClients(target, async (clients) => {
    const expected = await expectedOf(clients, things);
    const refused = new Map<string, string>();
    const ask = async () => {
      for (let first = 0; first < things.length; first += BATCH) {
        const answer = await requestRotation(target, things.slice(first, first + BATCH));
        for (const one of answer.refused) refused.set(one.thing, one.reason);
      }
      const asked = things.length - refused.size;
      options.onProgress(`Asked ${asked} device${asked === 1 ? '' : 's'} for signing requests`);
    };
    if (!options.wait) {
      await ask();
      return expected.map(({ thing, old }) => ({ thing, old, ...answered(refused.get(thing)) }));
    }
    const progress = new RotationProgress(expected);
    const followed = await follow(target, clients, progress, { ...options, things, ask, refused });
    return inParallel(expected, CONCURRENCY, async ({ thing, old }) => ({
      old,
      ...(await outcome(clients, thing, old, progress.stateOf(thing), followed, refused.get(thing))),
    }));
  });
}

async function expectedOf(
  { iot, data }: CertificateClients,
  things: readonly string[],
): Promise<ExpectedRotation[]> {
  const found = await inParallel(things, CONCURRENCY, async (thing) => ({
    thing,
    old: await certificateIds(iot, thing),
    after: (await rotationState(data, thing))?.at ?? 0,
  }));
  const unknown = found.filter(({ old }) => old === undefined).map(({ thing }) => thing);
  if (unknown.length > 0) {
    throw new MooringError(
      'NoThing',
      `There is no device ${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', …' : ''}: \`mooring certificates\` lists them`,
    );
  }
  return found.map(({ old = [], ...rest }) => ({ ...rest, old }));
}

interface Asking extends RotateOptions {
  readonly things: readonly string[];
  readonly ask: () => Promise<void>;
  /** Filled by asking. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Follows the rotations of those that were not refused at once. */
async function follow(
  target: Target,
  { iot, data }: CertificateClients,
  progress: RotationProgress,
  { things, ask, refused, timeout, onProgress }: Asking,
): Promise<Followed> {
  const cloud = await connectToCloud(target);
  try {
    return await followRotations({
      progress,
      listen: (onState) => listenToRotations(cloud, things, onState),
      ask: async () => {
        await ask();
        // Nothing will ever be heard of them.
        for (const [thing, reason] of refused) progress.take(thing, refusal(reason));
      },
      read: (thing) => rotationState(data, thing),
      isOffline: async (thing) => (await connectivity(iot, thing)).connected === false,
      onNews: (thing, state) => onProgress(`  ${thing}: ${newsText(state)}`),
      timeout,
      now: () => performance.now(),
      pause: pauseUntil,
    });
  } finally {
    await cloud.close();
  }
}

const refusal = (reason: string): RotationState => ({
  stage: 'refused',
  at: Number.MAX_SAFE_INTEGER,
  reason,
});

/** What was heard of a rotation, in a few words. */
export function newsText({ stage, certificateId, reason }: RotationState): string {
  switch (stage) {
    case 'requested':
      return 'was asked for a signing request';
    case 'issued':
      return `was sent certificate ${short(certificateId)}`;
    case 'completed':
      return `connected with certificate ${short(certificateId)}`;
    case 'refused':
      return `was refused: ${reason ?? 'no reason given'}`;
  }
}

export function short(certificateId: string | null | undefined): string {
  return certificateId == null ? '(unnamed)' : certificateId.slice(0, 8);
}

function answered(reason: string | undefined): Pick<RotatedThing, 'outcome' | 'reason'> {
  return reason === undefined ? { outcome: 'requested' } : { outcome: 'refused', reason };
}

async function outcome(
  { iot }: CertificateClients,
  thing: string,
  old: readonly string[],
  state: RotationState | undefined,
  { offline }: Followed,
  refused: string | undefined,
): Promise<Omit<RotatedThing, 'old'>> {
  if (refused !== undefined) return { thing, outcome: 'refused', reason: refused };
  if (state?.stage === 'refused') {
    return { thing, outcome: 'refused', reason: state.reason ?? 'no reason given' };
  }
  if (state?.stage === 'completed') {
    const certificateId = state.certificateId ?? '';
    const left =
      (await certificateIds(iot, thing))?.filter((id) => id !== certificateId && old.includes(id)) ?? [];
    if (left.length === 0) return { thing, outcome: 'rotated', certificateId };
    const stage = `it has certificate ${short(certificateId)}, but ${left.map(short).join(', ')} is still attached`;
    return { thing, outcome: 'unfinished', certificateId, stage };
  }
  if (offline.includes(thing)) return { thing, outcome: 'away' };
  return { thing, outcome: 'unfinished', stage: stageText(state) };
}

function stageText(state: RotationState | undefined): string {
  if (state === undefined) return 'nothing was heard of it';
  return state.stage === 'requested'
    ? 'it sent no signing request'
    : `it was sent certificate ${short(state.certificateId)}, and did not connect with it`;
}

async function certificateIds(iot: IoTClient, thing: string): Promise<string[] | undefined> {
  return (await attachedCertificates(iot, thing))?.map(({ certificateId }) => certificateId);
}
