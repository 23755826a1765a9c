import { defineConfig } from 'vitest/config';
import LongestFirst from './test/longest-first.js';

export default defineConfig({
  test: {
    include: ['*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    // Most of these tests wait for processes and sockets: more workers than two cores would suggest.
    maxWorkers: 3,
    // Files share what their worker has loaded: the AWS SDKs alone take a second of every file otherwise.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/setup.ts'],
    // It imports JSON in a way that Node.js does not know any more.
    server: { deps: { inline: [/@actions\/(languageservice|workflow-parser|expressions)/] } },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // Generous on purpose: a deadline here only ends a test that hangs, it never measures speed.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
