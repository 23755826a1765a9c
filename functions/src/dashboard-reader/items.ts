import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { z } from 'zod';

/** An item with members that are texts, numbers and booleans, as all items of this fleet's tables are. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** Reads items; one that is not as the rules write them is left out. */
export function readItems<T>(schema: z.ZodType<T>, items: readonly Item[]): T[] {
  return items.flatMap((item) => {
    const members = Object.entries(item).map(([name, value]) => [name, plain(value)]);
    const parsed = schema.safeParse(Object.fromEntries(members));
    return parsed.success ? [parsed.data] : [];
  });
}

function plain({ S, N, BOOL }: AttributeValue): string | number | boolean | undefined {
  return S ?? (N === undefined ? BOOL : Number(N));
}
