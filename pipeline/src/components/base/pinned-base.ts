import { MooringError } from '../../errors.js';
import type { Base } from './base.js';

export async function pinnedBase(_options: {
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}): Promise<Base> {
  throw new MooringError('NotBuilt', 'The pinned base is not built yet; use --base host');
}
