import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from './clock.js';
import { LocalCloudError } from './errors.js';
import { DEFAULT_PORTS, type LocalCloud, startLocalCloud } from './local-cloud.js';
import { jsonLog, type Log, type LogLevel } from './log.js';
import { parseValidity } from './services/iot/certificate-validity.js';

interface Arguments {
  stateDirectory: string;
  host: string;
  httpPort: number;
  mqttPort: number;
  httpsPort: number;
  accountId: string;
  region: string;
  certificateValidity?: string;
  logLevel: LogLevel;
  json?: true;
  exitWithParent?: true;
}

const program = new Command('local-cloud')
  .description('AWS wire protocols on one machine: point AWS_ENDPOINT_URL at it')
  .option('--state-directory <dir>', 'where state is kept between starts', '.local-cloud')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--http-port <port>', 'control planes over HTTP', port, DEFAULT_PORTS.http)
  .option('--mqtt-port <port>', 'MQTT over mutual TLS', port, DEFAULT_PORTS.mqtt)
  .option('--https-port <port>', 'HTTPS over mutual TLS', port, DEFAULT_PORTS.https)
  .option('--account-id <digits>', 'AWS account id', accountId, '000000000000')
  .option('--region <name>', 'AWS region', region, 'eu-central-1')
  .option(
    '--certificate-validity <duration>',
    'of device certificates that are made, such as 20d, 36h or 90s (default: to the end of 2049, as AWS)',
    certificateValidity,
  )
  .option('--log-level <level>', 'debug, info, warn or error', logLevel, 'warn')
  .option('--json', 'print one JSON object when it is ready')
  .option('--exit-with-parent', 'end when standard input ends')
  .showHelpAfterError();

/** Milliseconds that ending may take. */
const CLOSE_LIMIT = 10_000;

program.parse();
await run(program.opts<Arguments>());

async function run(options: Arguments): Promise<void> {
  const log = jsonLog(options.logLevel);
  outliveFailures(log);
  const asked = askedToEnd(options);
  let cloud: LocalCloud;
  try {
    cloud = await startLocalCloud({
      ...options,
      ports: { http: options.httpPort, mqtt: options.mqttPort, https: options.httpsPort },
      log,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `local-cloud: ${error instanceof LocalCloudError ? message : `It could not be started: ${message}`}\n`,
    );
    process.exit(1);
  }
  const { ports, endpointUrl } = cloud;
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ event: 'ready', endpointUrl, ports, accountId: cloud.accountId, region: cloud.region })}\n`
      : `local-cloud is ready: AWS_ENDPOINT_URL=${endpointUrl} (MQTT ${ports.mqtt}, HTTPS ${ports.https})\n`,
  );
  await asked;
  systemClock.after(CLOSE_LIMIT, () => {
    log('error', 'Work that was under way did not end in time; what was acknowledged is kept', {});
    process.exit(1);
  });
  await cloud.close();
  // Standard input may still be open, which alone would keep the process.
  process.exit(0);
}

/** Resolves when a signal, or the end of standard input, asks the process to end. A second signal ends it at once. */
function askedToEnd({ exitWithParent }: Arguments): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    if (exitWithParent) process.stdin.resume().once('end', resolve).once('error', resolve);
  });
}

/**
 * A promise that fails without anybody waiting for it concerns one piece of work, whose caller has gone: it is said,
 * and the others are served on. An exception that nothing caught may leave what is in memory half changed: it is said
 * and the process ends, as after `kill -9` with all that was acknowledged kept.
 */
function outliveFailures(log: Log): void {
  const textOf = (error: unknown) =>
    error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.on('unhandledRejection', (error) =>
    log('error', 'Something failed unseen', { error: textOf(error) }),
  );
  process.on('uncaughtException', (error) => {
    log('error', 'The local cloud ends because of an unexpected error; start it again', {
      error: textOf(error),
    });
    process.exit(1);
  });
  // Who reads what is written here may end before this process does.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65535) {
    throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
  }
  return number;
}

function accountId(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new InvalidArgumentError('An account id has 12 digits.');
  return text;
}

function region(text: string): string {
  if (/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(text)) return text;
  throw new InvalidArgumentError('A region has a name like eu-central-1.');
}

function certificateValidity(text: string): string {
  try {
    parseValidity(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof LocalCloudError ? error.message : String(error));
  }
}

function logLevel(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new InvalidArgumentError('A log level is debug, info, warn or error.');
}
