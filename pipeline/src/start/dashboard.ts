import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { publishDashboard } from '../dashboard/publish.js';
import { newPassword, withDashboardUsers } from '../dashboard/users.js';
import type { StateDirectory } from '../state-directory.js';
import type { Target } from '../target.js';

/** The web page of the system on this machine, and who may act on it. */
export interface RunningDashboard {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const Operator = z.object({ user: z.string(), password: z.string() });

/** Publishes the page and makes its operator, whose password is kept in the state directory. */
export async function openDashboard(target: Target, state: StateDirectory): Promise<RunningDashboard> {
  const operator = await operatorOf(join(state.path, 'dashboard-operator.json'));
  const [{ url }] = await Promise.all([
    publishDashboard(target),
    withDashboardUsers(target, (users) => users.ensure(operator.user, 'operator', operator.password)),
  ]);
  return { url, ...operator };
}

async function operatorOf(file: string): Promise<z.infer<typeof Operator>> {
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  const read = kept === undefined ? undefined : Operator.safeParse(jsonOf(kept)).data;
  if (read) return read;
  const made = { user: 'operator', password: newPassword() };
  await writeFile(file, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  return made;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
