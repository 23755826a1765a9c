import { z } from 'zod';
import { ComponentError } from './errors.js';

/**
 * A line of a GPIO chip: `{chip: gpiochip0, line: 17}`. The chip is named as in `/dev`, the line by its
 * offset. `activeLow` is for a line that is low when the LED is lit or the button is held.
 */
export const GpioLine = z.object({
  chip: z.string().regex(/^gpiochip\d+$/, 'expected a chip of /dev, such as gpiochip0'),
  line: z.int().min(0).max(65_535),
  activeLow: z.boolean().default(false),
  bias: z.enum(['as-is', 'disabled', 'pull-up', 'pull-down']).default('as-is'),
});
export type GpioLine = z.infer<typeof GpioLine>;

/**
 * Parses a component's configuration. Keys that are not ours, such as `accessControl`, are left alone.
 *
 * @throws ComponentError `CONFIGURATION`, naming the key and what is wrong with it
 */
export function parseConfiguration<T>(schema: z.ZodType<T>, configuration: unknown): T {
  const result = schema.safeParse(configuration ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new ComponentError(
    'CONFIGURATION',
    `The component's configuration is wrong${where}: ${issue?.message ?? 'not the expected shape'}; correct it in the deployment`,
  );
}

/** Where the kernel's file systems are mounted. */
export interface Mounts {
  /** `SYSFS_PATH`, as libsysfs reads it, or `/sys`. */
  readonly sysfs: string;
  /** `DEVFS_PATH`, or `/dev`. */
  readonly devfs: string;
}

export function mountsOf(env: NodeJS.ProcessEnv): Mounts {
  return { sysfs: env.SYSFS_PATH || '/sys', devfs: env.DEVFS_PATH || '/dev' };
}
