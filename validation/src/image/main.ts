import { spawn } from 'node:child_process';
import { constants, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ListCertificatesCommand, ListThingsCommand } from '@aws-sdk/client-iot';
import { componentNames, FrequencyMessage, parseMessage, topics } from '@mooring/contracts';
import {
  buildComponents,
  buildImage,
  deployComponents,
  deployLocal,
  explain,
  fleetOverview,
  publishComponents,
  publishImage,
  readDeploymentFile,
  repositoryRoot,
} from '@mooring/pipeline';
import { NotSeen, see } from '../step.js';
import { until } from '../wait.js';
import { World } from '../world.js';
import { Board } from './board.js';

const USAGE = `Usage: npm run test:image -- [--keep]

Builds the generic image for a local cloud of its own, and boots it on a board that QEMU plays: it provisions itself,
runs its components and is seen by the cloud; does not provision itself again at its second boot; and is refused with a
serial number that is not in the allowlist. Takes minutes, needs root, Debian's packages and QEMU
(scripts/install-debian-packages image).

  --keep   keep the state, the disks and the consoles' logs, and say where they are`;

const LISTED = '1000000000000003';
const UNLISTED = '1000000000000666';
/** Bytes of the medium: larger than the image, which has to grow into it. */
const MEDIUM = 4 * 1024 ** 3;
/** Seconds that a boot may take; generous, as the board is emulated and only what hangs is to end. */
const BOOT = 600;

const begin = performance.now();
function say(text: string): void {
  process.stdout.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);
}

/** The local cloud with infrastructure, allowlist and components for arm64. */
async function prepareCloud(world: World): Promise<void> {
  const target = await world.target();
  await deployLocal(target);
  await world.allow(LISTED);
  say('local cloud: infrastructure deployed, one serial number allowed');
  const { signal } = world;
  const quiet = () => undefined;
  const only = [componentNames.led, componentNames.button];
  const built = await buildComponents({
    outDir: world.state.built('pinned'),
    base: 'pinned',
    builder: 'layers',
    only,
    onProgress: quiet,
    signal,
  });
  await publishComponents(target, built, { onProgress: quiet, signal });
  await deployComponents(target, {
    only,
    without: [],
    declared: await readDeploymentFile(join(repositoryRoot, 'components', 'deployment.yaml')),
    merges: [],
    resets: [],
    wave: 1000,
    failureThreshold: 20,
    wait: false,
    timeout: 0,
    settle: 0,
    onProgress: quiet,
    signal,
  });
  say(`components for arm64 published and deployed to the fleet: ${only.join(', ')}`);
}

async function decompress(from: string, to: string): Promise<void> {
  const child = spawn('zstd', ['--quiet', '--decompress', '--force', '--sparse', from, '-o', to], {
    stdio: 'inherit',
  });
  const code = await new Promise((resolve) => child.once('error', resolve).once('exit', resolve));
  see(code === 0, `zstd cannot decompress ${from}: ${String(code)}`);
  truncateSync(to, MEDIUM);
}

async function certificatesOf(world: World): Promise<string[]> {
  const { iot } = await world.clients();
  const { certificates = [] } = await iot.send(new ListCertificatesCommand({ pageSize: 100 }));
  return certificates.map(({ certificateId = '' }) => certificateId).sort();
}

async function runs(world: World, thing: string): Promise<string> {
  const target = await world.target();
  return until(
    `${thing} healthy with running components`,
    async () => {
      const { devices } = await fleetOverview(target);
      const device = devices.find((one) => one.thing === thing);
      const states = (device?.components ?? []).map(
        ({ name, version, state }) => `${name} ${version} ${state}`,
      );
      const led = states.find((text) => text.startsWith(componentNames.led));
      if (!device?.connected || device.health !== 'HEALTHY' || !led?.endsWith('RUNNING')) return undefined;
      return `connected, ${device.health}, ${states.filter((text) => !text.startsWith('aws.')).join(', ')}`;
    },
    world.signal,
    BOOT,
  );
}

/** Resolves with when its LED first tells its frequency, in seconds since `board` was switched on. */
async function firstTelemetry(world: World, board: Board): Promise<number> {
  let seconds: number | undefined;
  const connection = await world.topics();
  await connection.subscribe(topics.frequency(LISTED), (_topic, payload) => {
    if (parseMessage(FrequencyMessage, payload).ok) seconds ??= board.seconds;
  });
  return until(`telemetry of ${LISTED}`, async () => seconds, world.signal, BOOT);
}

async function play(world: World, boards: Board[]): Promise<void> {
  const folder = world.state.path;
  const target = await world.target();
  await prepareCloud(world);
  const built = await buildImage(target, {
    imageTarget: 'generic',
    outDir: join(folder, 'os-image'),
    fresh: false,
    installPrograms: false,
    localCloudHost: '10.0.2.2',
    now: new Date(),
    onProgress: say,
    signal: world.signal,
  });
  const times = Object.entries(built.timings).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
  say(
    `image built: ${(built.bytes / 1e6).toFixed(1)} MB compressed, ${(built.imageBytes / 1e6).toFixed(0)} MB on the medium (${times.join(', ')})`,
  );
  const published = await publishImage(target, join(folder, 'os-image'));
  say(`image published: s3://${published.bucket}/${published.key}`);
  const disk = join(folder, 'listed.img');
  await decompress(built.path, disk);
  const other = join(folder, 'unlisted.img');
  copyFileSync(disk, other, constants.COPYFILE_FICLONE);

  const switchOn = (serial: string, medium: string, name: string) => {
    const board = new Board({ serial, disk: medium, folder: world.state.logs, name });
    boards.push(board);
    say(`${name}: switched on, its console goes to ${board.consoleLog}`);
    return board;
  };

  const first = switchOn(LISTED, disk, 'first boot');
  const telemetry = firstTelemetry(world, first);
  telemetry.catch(() => undefined);
  say(`  kernel after ${(await first.waitFor(/Linux version|Booting Linux/, BOOT)).toFixed(1)} s`);
  say(`  prepared after ${(await first.waitFor(/mooring: \S+: prepared/, BOOT)).toFixed(1)} s`);
  say(
    `  provisioned after ${(await first.waitFor(/mooring: \S+: provisioned/, BOOT)).toFixed(1)} s, by claim`,
  );
  say(`  first telemetry after ${(await telemetry).toFixed(1)} s`);
  say(`  mooring status: ${await runs(world, LISTED)}`);
  const before = await certificatesOf(world);
  await first.cutPower();
  const gone = async () => ((await connected(world)) ? undefined : true);
  await until(`${LISTED} gone`, gone, world.signal);
  say('  power cut');

  const second = switchOn(LISTED, disk, 'second boot');
  await second.waitFor(/mooring: \S+: starting: it has its own certificate/, BOOT);
  say(`  starts with its own certificate after ${second.seconds.toFixed(1)} s`);
  say(`  mooring status: ${await runs(world, LISTED)}`);
  const after = await certificatesOf(world);
  see(after.join() === before.join(), `the second boot changed the certificates: ${before} became ${after}`);
  see(!/provisioning: it asks/.test(second.console), 'the second boot asked for a certificate');
  say(`  the same certificates as before: it did not provision itself again`);
  await second.cutPower();

  const refused = switchOn(UNLISTED, other, 'unlisted');
  await refused.waitFor(new RegExp(`mooring: ${UNLISTED}: refused`), BOOT);
  say(
    `  its console says after ${refused.seconds.toFixed(1)} s: ${refused.console
      .split('\n')
      .find((line) => line.includes(': refused: '))
      ?.trim()}`,
  );
  const { iot } = await world.clients();
  const { things = [] } = await iot.send(new ListThingsCommand({}));
  see(!things.some(({ thingName }) => thingName === UNLISTED), 'the unlisted device became a thing');
  await refused.cutPower();
}

async function connected(world: World): Promise<boolean> {
  const { devices } = await fleetOverview(await world.target());
  return devices.some(({ thing, connected: is }) => thing === LISTED && is === true);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), 'mooring-test-image-'));
  const world = new World(directory, false);
  const boards: Board[] = [];
  const onSignal = () => {
    world.abort();
    for (const board of boards) void board.cutPower();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let seen = false;
  try {
    await play(world, boards);
    say('all was seen');
    seen = true;
  } catch (error) {
    say(`not seen: ${error instanceof NotSeen ? error.message : explain(error)}`);
    for (const board of boards.slice(-1)) {
      process.stderr.write(`${readFileSync(board.consoleLog, 'utf8').split('\n').slice(-40).join('\n')}\n`);
    }
  } finally {
    await Promise.all(boards.map((board) => board.cutPower()));
    await world.close();
    if (values.keep) process.stderr.write(`The state is kept in ${directory}\n`);
    else rmSync(directory, { recursive: true, force: true });
  }
  return seen ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`test-image: ${explain(error)}\n`);
  process.exitCode = 1;
}
