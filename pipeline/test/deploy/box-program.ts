import type { ValueObject } from '../../src/deploy/json.js';
import { UNKNOWN } from '../../src/deploy/json.js';
import type { RegisteredResource, StackProgram } from '../../src/deploy/stack-program.js';
import { BOX } from './memory-cloud.js';

/** A box that a program wants; `link` is the key of an earlier box, whose ARN becomes a property. */
export interface Box {
  readonly key: string;
  readonly name: string;
  readonly kind?: string;
  readonly size?: number;
  readonly secret?: string;
  readonly link?: string;
  readonly retainOnDelete?: boolean;
  readonly protect?: boolean;
}

/** The program that registers these boxes, as a Pulumi program would: each as soon as its link is there. */
export function boxProgram(boxes: readonly Box[]): StackProgram {
  return async (register) => {
    const registered = new Map<string, Promise<RegisteredResource>>();
    for (const box of boxes) {
      const target = box.link === undefined ? undefined : registered.get(box.link);
      registered.set(
        box.key,
        (async () => {
          const linked = await target;
          const properties: Record<string, ValueObject[string]> = { Name: box.name };
          if (box.kind !== undefined) properties.Kind = box.kind;
          if (box.size !== undefined) properties.Size = box.size;
          if (box.secret !== undefined) properties.Secret = box.secret;
          if (linked !== undefined) properties.Link = linked.properties.Arn ?? UNKNOWN;
          return register({
            key: box.key,
            name: box.key,
            type: BOX,
            properties,
            dependencies: target === undefined || box.link === undefined ? [] : [box.link],
            options: {
              retainOnDelete: box.retainOnDelete ?? false,
              protect: box.protect ?? false,
              deleteBeforeReplace: false,
              replaceOnChanges: [],
            },
          });
        })(),
      );
    }
    await Promise.all(registered.values());
    return {};
  };
}
