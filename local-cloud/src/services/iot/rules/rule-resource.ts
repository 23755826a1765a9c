import type { TopicRulePayload } from '@aws-sdk/client-iot';
import { z } from 'zod';
import { generatedName, tagsSchema } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceType } from '../../../resource-type.js';
import { tagsOf } from '../../../tags.js';
import type { Changes } from '../changes.js';
import { type ResourceTags, readProperties } from '../resources/property-values.js';
import type { TopicRules } from './topic-rules.js';

const TYPE_NAME = 'AWS::IoT::TopicRule';

/** What is in the payload is checked by the type's schema, and by the rule itself. */
const schema = z.object({
  RuleName: z.string().optional(),
  TopicRulePayload: z.record(z.string(), z.unknown()),
  Tags: tagsSchema.optional(),
});

/** AWS::IoT::TopicRule. */
export function topicRuleType(rules: TopicRules, tags: ResourceTags, changes: Changes): ResourceType {
  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    create(desired) {
      const { RuleName, TopicRulePayload: payload, Tags } = readProperties(schema, desired);
      // A rule's name has no hyphen.
      const ruleName = RuleName ?? generatedName('TopicRule').replace('-', '_');
      rules.create(ruleName, payloadOf(payload), tagsOf(Tags));
      return ruleName;
    },
    read(ruleName) {
      const record = rules.get(ruleName);
      if (!record) return undefined;
      const arn = rules.arn(ruleName);
      return {
        RuleName: ruleName,
        Arn: arn,
        TopicRulePayload: {
          Actions: [],
          ...(recased(record.payload, upper) as object),
          RuleDisabled: record.disabled,
        },
        ...tags.read(arn),
      };
    },
    update(ruleName, desired) {
      const { TopicRulePayload: payload, Tags } = readProperties(schema, desired);
      changes.transaction(() => {
        tags.write(rules.arn(ruleName), Tags);
        rules.replace(ruleName, payloadOf(payload));
      });
    },
    delete(ruleName) {
      rules.delete(ruleName);
    },
    list: () => [...rules.all()].map(({ ruleName }) => ruleName),
  };
}

/** CloudFormation spells the members of the API's payload with a capital first letter, and no others. */
function payloadOf(properties: Readonly<Record<string, unknown>>): TopicRulePayload {
  return recased(properties, lower) as TopicRulePayload;
}

const upper = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
const lower = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

function recased(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => recased(item, spell));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [spell(name), recased(member, spell)]),
  );
}
