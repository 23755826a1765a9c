#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/image/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('test-image is not built yet: run `npm run build` in the root of the repository first');
  process.exit(1);
}
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
await import(main.href);
