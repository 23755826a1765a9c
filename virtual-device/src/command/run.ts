import { type Command, Option } from 'commander';
import type { EngineChoice } from '../containers/open.js';
import { DEFAULT_LED } from '../hardware/leds.js';
import { describeEvent, print, printJson } from './output.js';

interface RunOptions {
  readonly root: string;
  readonly initConfig?: string;
  readonly exitWithParent?: true;
  readonly led?: string[];
  readonly imageStore?: string;
  readonly containerEngine: EngineChoice;
  readonly json?: true;
}

const HELP = `
The first start provisions the device as config.yaml says; later starts need no --init-config, and take
changed endpoints from it when it is given. SIGINT or SIGTERM stop the components and the device. A component's
reboot restarts the device in this process, and never the machine.

Exit status:
  0  stopped as asked
  1  any other failure
  2  wrong use of the command
  3  AWS IoT refuses to provision the device, or refuses its claim certificate
  4  config.yaml is wrong, or the device is not provisioned and there is no --init-config
  5  the root cannot be used
  6  a device is already running in the root
  7  the endpoint's certificate does not fit the root CA`;

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('run a core device until it is stopped')
    .requiredOption('--root <folder>', "the device's root, as /greengrass/v2 is a real device's")
    .option('--init-config <file>', 'config.yaml of the nucleus and its fleet provisioning plugin')
    .option('--led <name...>', `LEDs that the device has (default: ${DEFAULT_LED})`)
    .option(
      '--image-store <folder>',
      'unpacked container images, shared with other devices (default: <root>/images)',
    )
    .addOption(
      new Option(
        '--container-engine <engine>',
        'what runs containers; process: unpacked images, as processes',
      )
        .choices(['auto', 'docker', 'podman', 'process'])
        .default('auto'),
    )
    .option('--exit-with-parent', 'stop when standard input ends, as it does when the parent process is gone')
    .option('--json', 'print one JSON object per event and line')
    .addHelpText('after', HELP)
    .action(async (options: RunOptions) => {
      // Who reads the events may be gone; the device goes on, or stops in good order.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
      const stop = new AbortController();
      stopWhenAsked(stop, options.exitWithParent === true);
      // Loaded here, so that the other commands need not wait for what only a running device uses.
      const { startDevice } = await import('../device.js');
      try {
        for (let isToStart = true; isToStart; ) {
          isToStart = false;
          const device = await startDevice({
            root: options.root,
            ...(options.initConfig !== undefined && { initConfig: options.initConfig }),
            ...(options.led && { leds: options.led }),
            ...(options.imageStore !== undefined && { imageStore: options.imageStore }),
            containerEngine: options.containerEngine,
            signal: stop.signal,
            onEvent: (event) => {
              if (event.event === 'restarting') isToStart = true;
              if (options.json) printJson(event);
              else print(describeEvent(event));
            },
          });
          await device.stopped;
          isToStart &&= !stop.signal.aborted;
        }
      } catch (error) {
        // What is read for its end would keep the process.
        process.stdin.destroy();
        if (stop.signal.aborted) return;
        throw error;
      }
      process.stdin.destroy();
    });
}

/** Aborts the signal when the device is to end. */
function stopWhenAsked(stop: AbortController, withParent: boolean): void {
  const end = () => stop.abort(new Error('asked to stop'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  if (!withParent) return;
  for (const event of ['end', 'close', 'error']) process.stdin.on(event, end);
  process.stdin.resume();
}
