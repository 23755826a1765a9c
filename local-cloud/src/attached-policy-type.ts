import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError } from './errors.js';
import { documentText, parseProperties, policyDocumentSchema } from './resource-properties.js';
import { loadResourceSchema } from './resource-schema.js';
import type { ResourceProperties, ResourceType } from './resource-type.js';
import type { Table } from './store/store.js';

/** A policy that is attached to several resources, as `AWS::SNS::TopicPolicy` and `AWS::SQS::QueuePolicy` are. */
export interface AttachedPolicy {
  readonly targets: readonly string[];
  /** JSON text. */
  readonly policy: string;
}

export interface AttachedPolicyOptions {
  readonly typeName: string;
  /** The property that names the resources. */
  readonly property: 'Topics' | 'Queues';
  readonly table: Table<AttachedPolicy>;
  /**
   * Gives a resource a policy, or takes it away with undefined.
   *
   * @throws the service's error when there is no such resource, or the policy is none.
   */
  readonly attach: (target: string, policy: string | undefined) => void;
  readonly isThere: (target: string) => boolean;
}

export interface InlinePolicyOptions extends Pick<AttachedPolicyOptions, 'typeName' | 'attach'> {
  /** The property that names the resource, and identifies its policy. */
  readonly property: 'TopicArn' | 'Queue';
  /** JSON text of the policy that a resource has; undefined when it has none, or is not there. */
  readonly policyOf: (target: string) => string | undefined;
}

/** Makes the resource type of the one policy that a resource has, as `AWS::SQS::QueueInlinePolicy`. */
export function inlinePolicyType({
  typeName,
  property,
  attach,
  policyOf,
}: InlinePolicyOptions): ResourceType {
  const schema = z.strictObject({ PolicyDocument: policyDocumentSchema, [property]: z.string() });

  function put(desired: ResourceProperties): string {
    const wanted = parseProperties(typeName, schema, desired);
    const target = z.string().parse(wanted[property]);
    attach(target, documentText(policyDocumentSchema.parse(wanted.PolicyDocument)));
    return target;
  }

  function assertThere(target: string): void {
    if (policyOf(target) !== undefined) return;
    throw new AwsError('NotFound', `There is no ${typeName} with the identifier ${target}`, 404);
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { [property]: target } = desired;
      if (typeof target === 'string' && policyOf(target) !== undefined) {
        throw new AwsError('AlreadyExists', `${target} has a policy already`);
      }
      return put(desired);
    },
    read(target) {
      const policy = policyOf(target);
      return policy === undefined ? undefined : { [property]: target, PolicyDocument: JSON.parse(policy) };
    },
    update(target, desired) {
      assertThere(target);
      put(desired);
    },
    delete(target) {
      assertThere(target);
      attach(target, undefined);
    },
    // The published types have no handler for lists either.
    list: () => [],
  };
}

/** Makes the resource type of policies that are attached to several resources. */
export function attachedPolicyType(options: AttachedPolicyOptions): ResourceType {
  const { typeName, property, table, attach, isThere } = options;
  const schema = z.strictObject({
    PolicyDocument: policyDocumentSchema,
    [property]: z.array(z.string()),
    Id: z.string().optional(),
  });

  function wantedOf(desired: ResourceProperties): AttachedPolicy {
    const wanted = parseProperties(typeName, schema, desired);
    const targets = z.array(z.string()).parse(wanted[property]);
    return { targets, policy: documentText(policyDocumentSchema.parse(wanted.PolicyDocument)) };
  }

  function existing(id: string): AttachedPolicy {
    const found = table.get(id);
    if (found) return found;
    throw new AwsError('NotFound', `There is no ${typeName} with the identifier ${id}`, 404);
  }

  /** Takes the policy from resources that are still there. */
  function detach(targets: readonly string[]): void {
    for (const target of targets) if (isThere(target)) attach(target, undefined);
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = wantedOf(desired);
      for (const target of wanted.targets) attach(target, wanted.policy);
      const id = randomUUID();
      table.put(id, wanted);
      return id;
    },
    read(id) {
      const found = table.get(id);
      if (!found) return undefined;
      return { Id: id, [property]: found.targets, PolicyDocument: JSON.parse(found.policy) };
    },
    update(id, desired) {
      const before = existing(id);
      const wanted = wantedOf(desired);
      for (const target of wanted.targets) attach(target, wanted.policy);
      detach(before.targets.filter((target) => !wanted.targets.includes(target)));
      table.put(id, wanted);
    },
    delete(id) {
      detach(existing(id).targets);
      table.delete(id);
    },
    list: () => [...table.entries()].map(([id]) => id),
  };
}
