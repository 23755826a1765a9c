import { type Item, itemOf, type Value } from '../values/value.js';
import { byFirstStep, type Path } from './path.js';
import type { Placeholders } from './placeholders.js';
import { Reader } from './reader.js';

/** Which parts of an item are wanted. */
export type Projection = readonly Path[];

/** Reads a projection expression. @throws AwsError `ValidationException` */
export function parseProjection(text: string, placeholders: Placeholders): Projection {
  const reader = new Reader('ProjectionExpression', text, placeholders);
  const paths = reader.paths();
  reader.end();
  return paths;
}

/** Those parts of an item; elements of lists close up. All of it without a projection. */
export function projected(item: Item, projection: Projection | undefined): Item {
  if (!projection) return item;
  const part = select({ M: item }, projection);
  return part && 'M' in part ? part.M : itemOf([]);
}

/** @param paths what is wanted below the value; empty paths stand for all of it. */
function select(value: Value, paths: readonly (readonly (string | number)[])[]): Value | undefined {
  if (paths.some((path) => path.length === 0)) return value;
  const groups = [...byFirstStep(paths)].map(
    ([step, group]) => [step, group.map((path) => path.slice(1))] as const,
  );
  if ('M' in value) {
    const entries: [string, Value][] = [];
    for (const [step, below] of groups) {
      const member = typeof step === 'string' ? value.M[step] : undefined;
      const part = member && select(member, below);
      if (part && typeof step === 'string') entries.push([step, part]);
    }
    return entries.length > 0 ? { M: itemOf(entries) } : undefined;
  }
  if (!('L' in value)) return undefined;
  const elements = groups
    .filter(([step]) => typeof step === 'number')
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([step, below]) => {
      const element = value.L[Number(step)];
      return element && select(element, below);
    })
    .filter((part) => part !== undefined);
  return elements.length > 0 ? { L: elements } : undefined;
}
