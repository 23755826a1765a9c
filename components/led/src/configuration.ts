import { FREQUENCY_RANGE } from '@mooring/contracts';
import { z } from 'zod';
import { GpioLine } from '../../runtime/src/configuration.js';

/**
 * The configuration of the LED component. `led` names either an LED of the kernel's LED class,
 * `{class: ACT}`, or a GPIO line, `{gpio: {chip: gpiochip0, line: 17}}`. A deployment merges its
 * configuration into the recipe's, which names a class, so a `gpio` wins when both are there.
 */
export const LedConfiguration = z.object({
  led: z
    .object({
      class: z
        .string()
        .regex(/^[^/\0]+$/, 'expected the name of an LED, such as ACT')
        .refine((name) => name !== '.' && name !== '..', 'expected the name of an LED, such as ACT')
        .optional(),
      gpio: GpioLine.nullish(),
    })
    .transform(({ class: name, gpio }, context) => {
      if (gpio) return { gpio, class: undefined };
      if (name) return { gpio: undefined, class: name };
      context.addIssue('name the LED: {class: ACT}, or {gpio: {chip: gpiochip0, line: 17}}');
      return z.NEVER;
    }),
  /** The frequency to start with, in hertz. */
  frequency: z.number().min(FREQUENCY_RANGE.minimum).max(FREQUENCY_RANGE.maximum).default(2),
  telemetry: z
    .object({
      /** Seconds between two tellings of what the LED does; 0: never. */
      interval: z
        .number()
        .max(86_400)
        .refine((seconds) => seconds === 0 || seconds >= 1, 'expected 1 to 86400 seconds, or 0 for none')
        .default(60),
    })
    .prefault({}),
});
export type LedConfiguration = z.infer<typeof LedConfiguration>;
