import { config } from 'zod/v4/core';

// Zod compiles parsers with `new Function` where it may. The content security policy forbids that, and each try would
// be reported as a violation. Schemas look when they are made: this module must be imported before any other.
config({ jitless: true });
