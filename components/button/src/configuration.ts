import { z } from 'zod';
import { GpioLine } from '../../runtime/src/configuration.js';

/** The first of the keys that have no meaning of their own (linux/input-event-codes.h). */
const KEY_PROG1 = 148;

/**
 * The configuration of the button component. `button` names either a key of an input device,
 * `{device: event0, key: 148}`, or a GPIO line, `{gpio: {chip: gpiochip0, line: 27, activeLow: true}}`. A
 * deployment merges its configuration into the recipe's, which names a key, so a `gpio` wins when both
 * are there.
 */
export const ButtonConfiguration = z.object({
  button: z
    .object({
      /** Below `/dev/input`: `event0`, or a name that survives reboots, such as `by-path/…`. */
      device: z
        .string()
        .regex(/^(?!\.)[^/\0]+(\/(?!\.)[^/\0]+)*$/, 'expected a device of /dev/input, such as event0')
        .default('event0'),
      /** Key code of linux/input-event-codes.h. */
      key: z.int().min(1).max(0x2ff).default(KEY_PROG1),
      gpio: GpioLine.nullish(),
    })
    .prefault({}),
  /** A press within so many milliseconds of the key's last change is its contact bouncing. */
  debounce: z.number().min(0).max(5_000).default(30),
});
export type ButtonConfiguration = z.infer<typeof ButtonConfiguration>;
