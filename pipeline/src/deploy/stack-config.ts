import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { MooringError } from '../errors.js';

const StackFile = z.object({
  config: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .default({}),
});

/**
 * Reads the configuration of a stack from `Pulumi.<stack>.yaml`, as the Pulumi command does: each value as text, lists as JSON.
 *
 * @throws MooringError `StackFile` when the file is missing or malformed.
 */
export async function readStackConfig(file: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new MooringError('StackFile', `${file} cannot be read: each stack has its configuration in one`);
  }
  let yaml: unknown;
  try {
    yaml = parse(text);
  } catch (error) {
    throw new MooringError(
      'StackFile',
      `${file} is not YAML: ${error instanceof Error ? error.message : error}`,
    );
  }
  const parsed = StackFile.safeParse(yaml ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MooringError('StackFile', `${file}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return Object.fromEntries(
    Object.entries(parsed.data.config).map(([key, value]) => [
      key,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}
