import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** The test files that take longest; whatever else is slow is slow for seconds. */
const LONGEST = [
  'validation/test/story.test.ts',
  'pipeline/test/commands/start.test.ts',
  'pipeline/test/deploy/fleet.test.ts',
  'pipeline/test/teardown/destroy.test.ts',
  'pipeline/test/workflows/run-workflows.test.ts',
  'dashboard/test/browser/system.test.ts',
  'dashboard/test/browser/pages.test.ts',
  'dashboard/test/browser/fleet.test.ts',
  'pipeline/test/fleet-sync/sync.test.ts',
  'pipeline/test/deploy/dashboard.test.ts',
  'components/test/certificate-rotator/rotation-killed.test.ts',
  'components/test/certificate-rotator/rotation-offline.test.ts',
];

/** Begins with the longest files, so that in the end no worker waits for the one that came to it last. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
