import type { DefaultCacheBehavior, DistributionConfig } from '@aws-sdk/client-cloudfront';

/**
 * Whether a path is one that a cache behaviour is for: `*` stands for any characters, `?` for one; case counts, and
 * the slash at the beginning may be left out (CloudFront developer guide, "Path pattern").
 */
export function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.startsWith('/') || pattern.startsWith('*') ? pattern : `/${pattern}`;
  // Greedy, with one place to go back to: no pattern takes longer than its length times that of the path.
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let resume = 0;
  while (at < path.length) {
    const character = wanted[inPattern];
    if (character === '*') {
      star = inPattern;
      resume = at;
      inPattern += 1;
    } else if (character !== undefined && (character === '?' || character === path[at])) {
      at += 1;
      inPattern += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      inPattern = star + 1;
    } else return false;
  }
  return /^\**$/.test(wanted.slice(inPattern));
}

/** The first behaviour whose pattern matches, or the default one. */
export function behaviorFor(config: DistributionConfig, path: string): DefaultCacheBehavior {
  const found = (config.CacheBehaviors?.Items ?? []).find(({ PathPattern = '' }) =>
    matchesPath(PathPattern, path),
  );
  return found ?? (config.DefaultCacheBehavior as DefaultCacheBehavior);
}
