import { awsPorts } from '../rotation/ports.js';
import { signCsr } from './sign.js';

const ports = awsPorts();

/** The Lambda handler behind the rule `CsrTrigger`: a device asks for the certificate of its new key. */
export async function handler(event: unknown): Promise<void> {
  await signCsr(event, ports);
}
