import type { z } from 'zod';

/** One line per problem that a schema found in a file: the file, the key, and what is wrong with it. */
export function describeIssues(file: string, issues: readonly z.core.$ZodIssue[]): string {
  return issues.map((issue) => `${file}: ${describeIssue(issue)}.`).join('\n');
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const key = issue.path.length === 0 ? 'the document' : issue.path.map(String).join('.');
  if (issue.code === 'invalid_type' && issue.input === undefined) return `${key} is missing`;
  if (issue.code === 'too_small' && issue.input === '') return `${key} is empty`;
  if (issue.code === 'custom') return `${key} ${issue.message}`;
  return `${key} is wrong: ${issue.message.replace(/^Invalid input: /, '')}`;
}
