import { afterAll } from 'vitest';
import { endFile } from '../local-cloud/test/support/at-end.js';

// Here, as this file alone is run anew for each test file: other modules are loaded once by a worker, so a hook
// that they register would belong to the first file that imports them.
afterAll(endFile);
