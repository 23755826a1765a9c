import type { DeploymentDetails } from '@mooring/contracts';

type Wave = DeploymentDetails['waves'][number];

/** As many of the waves as a page has lines for, evenly over time, and always the last. */
export function thinned(waves: readonly Wave[], most: number): readonly Wave[] {
  if (waves.length <= most) return waves;
  const step = (waves.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => waves[Math.round(index * step)]).filter(
    (wave) => wave !== undefined,
  );
}
