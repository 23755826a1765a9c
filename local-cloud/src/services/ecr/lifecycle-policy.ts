import { z } from 'zod';
import { fitsWildcards } from './wildcard.js';

const DAY = 24 * 60 * 60 * 1000;

/** Why a lifecycle policy cannot be taken, in a sentence. */
export class LifecyclePolicyError extends Error {
  override readonly name = 'LifecyclePolicyError';
}

const selection = z
  .strictObject({
    tagStatus: z.enum(['tagged', 'untagged', 'any']),
    tagPrefixList: z.array(z.string().min(1)).min(1).optional(),
    tagPatternList: z.array(z.string().min(1)).min(1).optional(),
    countType: z.enum(['imageCountMoreThan', 'sinceImagePushed']),
    countUnit: z.literal('days').optional(),
    countNumber: z.int().positive(),
  })
  .refine(({ countType, countUnit }) => (countType === 'sinceImagePushed') === (countUnit !== undefined), {
    message: 'countUnit is to be given with countType sinceImagePushed and with no other',
  })
  .refine(
    ({ tagStatus, tagPrefixList, tagPatternList }) =>
      (tagStatus === 'tagged') === ((tagPrefixList ?? tagPatternList) !== undefined) &&
      !(tagPrefixList && tagPatternList),
    { message: 'tagged images are selected by either tagPrefixList or tagPatternList, others by neither' },
  );
const policy = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        rulePriority: z.int().positive(),
        description: z.string().optional(),
        selection,
        action: z.strictObject({ type: z.literal('expire') }),
      }),
    )
    .min(1)
    .max(50),
});

/** A rule of a lifecycle policy; rules with smaller numbers come first. */
export type LifecycleRule = z.infer<typeof policy>['rules'][number];

/** What a rule looks at. */
export interface AgingImage {
  readonly digest: string;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly pushed: number;
}

/**
 * Reads a lifecycle policy (ECR user guide, "Lifecycle policy parameters").
 *
 * @throws LifecyclePolicyError
 */
export function readLifecyclePolicy(text: string): LifecycleRule[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new LifecyclePolicyError('the policy is not JSON');
  }
  const result = policy.safeParse(data);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new LifecyclePolicyError(`${issue?.path.join('.') || 'the policy'}: ${issue?.message}`);
  }
  const rules = result.data.rules.sort((a, b) => a.rulePriority - b.rulePriority);
  if (new Set(rules.map(({ rulePriority }) => rulePriority)).size < rules.length) {
    throw new LifecyclePolicyError('two rules have the same rulePriority');
  }
  if (rules.slice(0, -1).some(({ selection: { tagStatus } }) => tagStatus === 'any')) {
    throw new LifecyclePolicyError('a rule with tagStatus any must have the greatest rulePriority');
  }
  return rules;
}

/**
 * Digests of the images that a policy expires: an image is expired by one rule at most, and one that a rule
 * selects is not selected by the rules behind it.
 *
 * @param now milliseconds since 1970.
 */
export function expiredImages(
  rules: readonly LifecycleRule[],
  images: readonly AgingImage[],
  now: number,
): string[] {
  let left = [...images].sort((a, b) => b.pushed - a.pushed || (a.digest < b.digest ? -1 : 1));
  const expired: string[] = [];
  for (const { selection: wanted } of rules) {
    const selected = left.filter((image) => selects(wanted, image.tags));
    left = left.filter((image) => !selected.includes(image));
    const old =
      wanted.countType === 'imageCountMoreThan'
        ? selected.slice(wanted.countNumber)
        : selected.filter(({ pushed }) => now - pushed > wanted.countNumber * DAY);
    expired.push(...old.map(({ digest }) => digest));
  }
  return expired;
}

function selects(
  { tagStatus, tagPrefixList, tagPatternList }: LifecycleRule['selection'],
  tags: readonly string[],
) {
  if (tagStatus === 'any') return true;
  if (tagStatus === 'untagged') return tags.length === 0;
  // Each prefix or pattern of the list has to fit one of the image's tags.
  const fits = (test: (tag: string) => boolean) => tags.some(test);
  return tagPrefixList
    ? tagPrefixList.every((prefix) => fits((tag) => tag.startsWith(prefix)))
    : (tagPatternList ?? []).every((pattern) => fits((tag) => fitsWildcards(pattern, tag)));
}
