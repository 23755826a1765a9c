import type { RotationState } from '@mooring/contracts';
import type { DeviceCertificate } from '@mooring/functions/devices';

/**
 * Where the rotation of a device's certificate is.
 *
 * - `not due`: no certificate of the device expires within {@link EXPIRY_WARNING} days
 * - `due`: one does, and nobody has asked the device for a new one yet
 * - `expired`: the device has no certificate any more that it can connect with
 * - `requested`, `issued`, `completed`, `refused`: as {@link RotationState} has it; `at` is when, in milliseconds
 *   since 1970
 * - `no certificate`: the device has no active one at all
 */
export type Rotation =
  | { readonly state: 'not due' | 'due' | 'expired' | 'no certificate' }
  | { readonly state: 'requested' | 'issued' | 'completed'; readonly at: number }
  | { readonly state: 'refused'; readonly at: number; readonly reason: string | undefined };

/** Days before its end at which a certificate is due: Device Defender's DEVICE_CERTIFICATE_EXPIRING_CHECK. */
export const EXPIRY_WARNING = 30;

const DAY = 86_400_000;

/**
 * What is known of a device's certificates says where its rotation is.
 *
 * @param reported what the rotation's functions last wrote of the device; it may be of an earlier rotation.
 * @param now milliseconds since 1970.
 */
export function rotationOf(
  certificates: readonly DeviceCertificate[],
  reported: RotationState | undefined,
  now: number,
): Rotation {
  const active = certificates.filter(({ status }) => status === 'ACTIVE');
  if (active.length === 0) return { state: 'no certificate' };
  if (active.every(({ expires }) => daysLeft(expires, now) <= 0)) return { state: 'expired' };
  const isDue = active.some(({ expires }) => daysLeft(expires, now) <= EXPIRY_WARNING);
  if (reported && concerns(reported, certificates)) {
    const { stage, at } = reported;
    if (stage === 'refused') return { state: stage, at, reason: reported.reason ?? undefined };
    // Of a rotation that was completed long ago, the new certificate may be due itself by now.
    if (stage !== 'completed' || !isDue) return { state: stage, at };
  }
  return { state: isDue ? 'due' : 'not due' };
}

/** Whether a state is of the certificates that the device has now. */
function concerns({ certificateId }: RotationState, certificates: readonly DeviceCertificate[]): boolean {
  return (
    certificateId == null || certificates.some((certificate) => certificate.certificateId === certificateId)
  );
}

/**
 * Days until a certificate expires, negative afterwards; infinite when its end is not known.
 *
 * @param expires milliseconds since 1970, as `now` is.
 */
export function daysLeft(expires: number | undefined, now: number): number {
  return expires === undefined ? Number.POSITIVE_INFINITY : (expires - now) / DAY;
}

/** Whether a device is worth looking at: its certificate expires soon, or is being rotated. */
export function isUnderWay({ state }: Rotation): boolean {
  return state !== 'not due' && state !== 'completed';
}
