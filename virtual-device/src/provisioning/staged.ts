import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { removeDurably, writeFileDurably } from '../durable-file.js';

/**
 * What an interrupted provisioning needs to go on with the same certificate instead of leaving one more
 * behind in the cloud, and what a finished one still has to tidy up.
 */
const StagedProvisioning = z.object({
  certificateId: z.string(),
  certificatePem: z.string(),
  certificateOwnershipToken: z.string(),
  provisioningTemplate: z.string(),
  /** Removed once the device is provisioned. */
  claimFiles: z.array(z.string()),
});
export type StagedProvisioning = z.infer<typeof StagedProvisioning>;

/** What was staged; undefined when nothing (legible) was. */
export function readStaged(path: string): StagedProvisioning | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return StagedProvisioning.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

export function writeStaged(path: string, staged: StagedProvisioning): void {
  writeFileDurably(path, JSON.stringify(staged), 0o600);
}

export function discardStaged(path: string): void {
  removeDurably([path]);
}
