import { THING_NAME } from '@mooring/contracts';
import type { Bus } from './bus.js';
import { type Clock, monotonicClock } from './clock.js';
import { ComponentError, reasonOf } from './errors.js';
import { connectToCore } from './ipc-bus.js';
import { type Log, processLog } from './log.js';

/** What a component's program is given to work with. */
export interface Component {
  /** The thing name of the core device. */
  readonly thing: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the component stops. */
  readonly stopping: AbortSignal;
  /** Registers what undoes a step; the last registered runs first, whatever the reason of the end. */
  onStop(undo: () => void | Promise<void>): void;
  /** Ends the component for a reason that only a restart, or somebody, can help. */
  fail(error: unknown): void;
  /** Ends the component in good order with an exit code that its recipe knows, and a line that says why. */
  end(code: number, line: string): void;
}

/**
 * Runs the program of a component as this process, from connecting to the core device to the exit.
 *
 * Exits with 0 after SIGTERM or SIGINT, and with the program's own code when it ends itself. Exits with 1, after one line that says why, when the program
 * cannot start, when it fails, or when the connection to the core device is lost: Greengrass then starts
 * the component again (three times, before it calls it BROKEN), which is simpler and surer than a
 * component that puts half its state back together.
 */
export async function runComponent(start: (component: Component) => Promise<void>): Promise<void> {
  const undoes: (() => void | Promise<void>)[] = [];
  const stopping = new AbortController();
  let end: (end: ComponentEnd) => void = () => {};
  const ended = new Promise<ComponentEnd>((resolve) => {
    end = resolve;
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // However often: one may come by more than one way.
    process.on(signal, () => end({ code: 0, line: `Stops, as asked by ${signal}.` }));
  }
  const fail = (error: unknown) => {
    const byHand = error instanceof ComponentError && error.code === 'ENVIRONMENT';
    const next = byHand ? '' : ' The component exits, for Greengrass to start it again.';
    end({ code: 1, line: `${reasonOf(error)}.${next}` });
  };

  void (async () => {
    const thing = thingNameOf(process.env);
    const bus = await connectToCore(process.env);
    undoes.push(() => bus.close());
    void bus.lost.then(fail);
    await start({
      thing,
      bus,
      clock: monotonicClock,
      log: processLog,
      env: process.env,
      stopping: stopping.signal,
      onStop: (undo) => undoes.push(undo),
      fail,
      end: (code, line) => end({ code, line }),
    });
  })().catch(fail);

  const { code, line } = await ended;
  if (code === 1) processLog.problem(line);
  else processLog.info(line);
  stopping.abort();
  // A core device that is gone cannot hold up our end.
  setTimeout(() => process.exit(code), CLOSING_MS).unref();
  for (const undo of undoes.reverse()) {
    try {
      await undo();
    } catch (error) {
      processLog.problem(`Could not stop cleanly: ${reasonOf(error)}`);
    }
  }
  process.exit(code);
}

/** How the component ends: its exit code, and the line that says why. */
interface ComponentEnd {
  readonly code: number;
  readonly line: string;
}

/** Longest time that stopping may take, in milliseconds. */
const CLOSING_MS = 2_000;

function thingNameOf(env: NodeJS.ProcessEnv): string {
  const thing = env.AWS_IOT_THING_NAME ?? '';
  if (THING_NAME.test(thing)) return thing;
  throw new ComponentError(
    'ENVIRONMENT',
    `AWS_IOT_THING_NAME is "${thing}", which is no thing name: this program is a Greengrass component, so deploy it to a core device`,
  );
}
