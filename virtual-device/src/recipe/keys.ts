import { z } from 'zod';

/** An object schema that takes its keys in any case, as Greengrass reads recipes. */
export function canonicalKeys<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  const byLowerCase = new Map(Object.keys(schema.shape).map((key) => [key.toLowerCase(), key]));
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [byLowerCase.get(key.toLowerCase()) ?? key, child]),
    );
  }, schema);
}
