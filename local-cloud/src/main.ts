import { Command, InvalidArgumentError } from 'commander';
import { LocalCloudError } from './errors.js';
import { DEFAULT_PORTS, type LocalCloud, startLocalCloud } from './local-cloud.js';
import { jsonLog, type LogLevel } from './log.js';

interface Arguments {
  stateDirectory: string;
  host: string;
  httpPort: number;
  mqttPort: number;
  httpsPort: number;
  accountId: string;
  region: string;
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
  .option('--region <name>', 'AWS region', 'eu-central-1')
  .option('--log-level <level>', 'debug, info, warn or error', logLevel, 'warn')
  .option('--json', 'print one JSON object when it is ready')
  .option('--exit-with-parent', 'end when standard input ends')
  .showHelpAfterError();

program.parse();
await run(program.opts<Arguments>());

async function run(options: Arguments): Promise<void> {
  let cloud: LocalCloud;
  try {
    cloud = await startLocalCloud({
      ...options,
      ports: { http: options.httpPort, mqtt: options.mqttPort, https: options.httpsPort },
      log: jsonLog(options.logLevel),
    });
  } catch (error) {
    if (!(error instanceof LocalCloudError)) throw error;
    process.stderr.write(`local-cloud: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const { ports, endpointUrl } = cloud;
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ event: 'ready', endpointUrl, ports, accountId: cloud.accountId, region: cloud.region })}\n`
      : `local-cloud is ready: AWS_ENDPOINT_URL=${endpointUrl} (MQTT ${ports.mqtt}, HTTPS ${ports.https})\n`,
  );
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    if (options.exitWithParent) process.stdin.resume().once('end', resolve).once('error', resolve);
  });
  await cloud.close();
  // Standard input may still be open, which alone would keep the process.
  process.exit(0);
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

function logLevel(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new InvalidArgumentError('A log level is debug, info, warn or error.');
}
