import { awsPorts } from '../rotation/ports.js';
import { retireCertificates } from './retire.js';

const ports = awsPorts();

/** The Lambda handler behind the rule `CrtAckTrigger`: a device says which certificate it uses now. */
export async function handler(event: unknown): Promise<void> {
  await retireCertificates(event, ports);
}
