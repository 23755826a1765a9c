import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Table } from '../../store/store.js';

/** Text that can be handed out and is known again when it comes back, also after a restart: nothing of it is kept. */
export interface TextSigner {
  sign(text: string): string;
  /** The text; undefined when it was not signed here. */
  verify(signed: string): string | undefined;
}

const KEY = 'signingKey';

/** Makes a signer whose key is in `settings`; the key is made when there is none. */
export function textSigner(settings: Table<string>): TextSigner {
  const known = settings.get(KEY);
  const secret = known ?? randomBytes(32).toString('base64url');
  if (known === undefined) settings.put(KEY, secret);
  const mac = (encoded: string) => createHmac('sha256', secret).update(encoded).digest();
  return {
    sign(text) {
      const encoded = Buffer.from(text).toString('base64url');
      return `${encoded}.${mac(encoded).toString('base64url')}`;
    },
    verify(signed) {
      const [encoded = '', given = '', ...rest] = signed.split('.');
      const expected = mac(encoded);
      const bytes = Buffer.from(given, 'base64url');
      if (rest.length > 0 || bytes.length !== expected.length || !timingSafeEqual(bytes, expected)) {
        return undefined;
      }
      return Buffer.from(encoded, 'base64url').toString('utf8');
    },
  };
}
