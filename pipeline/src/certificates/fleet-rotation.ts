import { connectivity, rotationState } from '@mooring/functions/devices';
import { connectToCloud } from '../fleet/cloud-connection.js';
import type { Target } from '../target.js';
import { type AuditOptions, auditCertificates, type CertificateAudit } from './audit.js';
import { withCertificateClients } from './fleet-certificates.js';
import { followRotations, listenToRotations, pauseUntil } from './follow.js';
import { RotationProgress, type Stage } from './progress.js';
import { newsText } from './rotate.js';

export interface FleetRotationOptions extends AuditOptions {
  /** Whether to follow the rotations that the audit sets off. */
  readonly wait: boolean;
}

/** A device that the audit set off to rotate. */
export interface RotatingThing {
  readonly thing: string;
  readonly stage: Stage;
  readonly reason?: string;
}

/** What an audit found, and what came of it. */
export interface FleetRotation {
  readonly audit: CertificateAudit;
  /** Undefined when nobody waited, or when there was nothing to wait for. */
  readonly rotation?: {
    /** Whether all came to an end; the others are still on their way. */
    readonly done: boolean;
    readonly things: readonly RotatingThing[];
    /** The counts in a line. */
    readonly text: string;
    readonly seconds: number;
  };
}

/** Fleets up to this size are told of device by device. */
const TELL_EACH = 20;
/** Milliseconds between two lines of progress on a larger fleet. */
const PACE = 2000;

/**
 * Audits the certificates and, if asked, follows the rotations of all devices that have one that expires.
 *
 * @throws MooringError as {@link auditCertificates} does.
 */
export async function rotateFleet(target: Target, options: FleetRotationOptions): Promise<FleetRotation> {
  return withCertificateClients(target, async ({ iot, data }) => {
    const begin = performance.now();
    const audit = await auditCertificates(target, iot, options);
    const old = new Map<string, string[]>();
    for (const { thing, certificateId } of audit.expiring) {
      if (thing !== undefined) old.set(thing, [...(old.get(thing) ?? []), certificateId]);
    }
    if (!options.wait || old.size === 0) return { audit };

    const progress = new RotationProgress(
      [...old].map(([thing, ids]) => ({ thing, old: ids, after: audit.started })),
    );
    const cloud = await connectToCloud(target);
    const followedAt = performance.now();
    let told = followedAt;
    const tell = () => {
      const now = performance.now();
      if (now - told < PACE) return;
      told = now;
      const rate = (progress.count('completed') * 1000) / (now - followedAt);
      options.onProgress(`  ${progress.text}; ${rate.toFixed(1)} a second`);
    };
    try {
      const { end } = await followRotations({
        progress,
        listen: (onState) => listenToRotations(cloud, [...old.keys()], onState),
        read: (thing) => rotationState(data, thing),
        isOffline: async (thing) => (await connectivity(iot, thing)).connected === false,
        onNews: (thing, state) => {
          if (progress.size <= TELL_EACH || state.stage === 'refused') {
            options.onProgress(`  ${thing}: ${newsText(state)}`);
          }
          if (progress.size > TELL_EACH) tell();
        },
        timeout: options.timeout,
        now: () => performance.now(),
        pause: pauseUntil,
      });
      const things = [...old.keys()].map((thing) => rotatingThing(thing, progress));
      const seconds = (performance.now() - begin) / 1000;
      return { audit, rotation: { done: end === 'done', things, text: progress.text, seconds } };
    } finally {
      await cloud.close();
    }
  });
}

function rotatingThing(thing: string, progress: RotationProgress): RotatingThing {
  const reason = progress.stateOf(thing)?.reason;
  return { thing, stage: progress.stageOf(thing), ...(reason != null && { reason }) };
}
