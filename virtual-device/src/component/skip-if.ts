import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { DeviceError } from '../errors.js';

/**
 * Evaluates a step's `SkipIf`: `onpath <program>` or `exists <path>`, negated by a leading `!`.
 *
 * @throws DeviceError RECIPE_INVALID when it is neither
 */
export function shouldSkip(expression: string, path: string | undefined): boolean {
  const match = /^(!)?\s*(onpath|exists)\s+(.+)$/.exec(expression.trim());
  const [, negated, operator, operand] = match ?? [];
  if (operator === undefined || operand === undefined) {
    throw new DeviceError(
      'RECIPE_INVALID',
      `SkipIf must be "onpath <program>" or "exists <path>", not "${expression}".`,
    );
  }
  const holds =
    operator === 'exists'
      ? existsSync(operand.replace(/^~(?=\/|$)/, homedir()))
      : isOnPath(operand, path ?? '');
  return negated ? !holds : holds;
}

function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    const candidate = join(folder, program);
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}
