import type { Outcome } from '../deployment/journal.js';

/** AWS IoT's limit for one value of a job's status details, in characters. */
const MAX_VALUE = 1024;

/** What a job's status details say of how a deployment ended, as the nucleus words it. */
export function statusDetailsOf({ detailedStatus, failure }: Outcome): Record<string, string> {
  if (detailedStatus === undefined) return {};
  return {
    'detailed-deployment-status': detailedStatus,
    ...(failure && {
      'deployment-failure-cause': shortened(failure.cause),
      'deployment-error-stack': listOf(failure.stack),
      'deployment-error-types': listOf(failure.types),
    }),
  };
}

function shortened(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`;
}

/** As much of a list, as JSON, as fits. */
function listOf(values: readonly string[]): string {
  for (let count = values.length; count > 0; count--) {
    const text = JSON.stringify(values.slice(0, count));
    if (text.length <= MAX_VALUE) return text;
  }
  return '[]';
}
