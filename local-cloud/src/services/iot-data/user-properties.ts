import { z } from 'zod';

/** User properties as the data plane writes them: a list of objects with one member each. */
const schema = z.array(z.record(z.string(), z.string()));

/** @returns undefined when the text is not a JSON list of user properties. */
export function parseUserProperties(text: string): (readonly [name: string, value: string])[] | undefined {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    let data: unknown;
    try {
      data = JSON.parse(candidate);
    } catch {
      continue;
    }
    const result = schema.safeParse(data);
    if (result.success) return result.data.flatMap((property) => Object.entries(property));
  }
  return undefined;
}

export function formatUserProperties(
  properties: readonly (readonly [name: string, value: string])[],
): string {
  return JSON.stringify(properties.map(([name, value]) => ({ [name]: value })));
}
