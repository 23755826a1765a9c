import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { programs } from '../../src/repository.js';
import type { Target } from '../../src/target.js';

/** The local cloud's command on free ports, with a state directory of its own. */
export interface RunningCloud {
  readonly endpointUrl: string;
  readonly ports: Ready['ports'];
  /** Of the listeners that devices connect to, in PEM. */
  readonly rootCa: string;
  readonly target: Target;
  stop(): Promise<void>;
}

/** The line that the command prints when it is ready. */
const Ready = z.object({
  endpointUrl: z.string(),
  ports: z.object({ http: z.number(), mqtt: z.number(), https: z.number() }),
});
type Ready = z.infer<typeof Ready>;

export async function startCloud(): Promise<RunningCloud> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-cloud-'));
  const ports = ['--http-port', '--mqtt-port', '--https-port'].flatMap((option) => [option, '0']);
  const child = spawn(
    process.execPath,
    [programs.localCloud, '--state-directory', directory, ...ports, '--json', '--exit-with-parent'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const stop = async () => {
    await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const { endpointUrl, ports } = await ready(child);
    return {
      endpointUrl,
      ports,
      rootCa: await (await fetch(`${endpointUrl}/_local/root-ca.pem`)).text(),
      target: {
        stack: 'local',
        region: 'eu-central-1',
        endpoint: endpointUrl,
        credentials: async () => ({ accessKeyId: 'local', secretAccessKey: 'local' }),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(child: ChildProcess): Promise<Ready> {
  if (child.stdout === null) throw new Error('the local cloud has no standard output');
  for await (const line of createInterface(child.stdout)) {
    const event = Ready.safeParse(JSON.parse(line));
    if (event.success) return event.data;
  }
  throw new Error('the local cloud ended before it was ready');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}
