import type * as sdk from '@aws-sdk/client-iot';
import { rangeViolation } from '../../../constraints.js';
import { matches } from '../../../mqtt/index.js';
import { page, readToken } from '../../../paging.js';
import type { Operations } from '../../../service.js';
import { invalid } from '../errors.js';
import { DEFAULT_SQL_VERSION, type RuleRecord } from './rule.js';
import type { TopicRules } from './topic-rules.js';

/** Default and largest number of rules of a page (AWS IoT API reference, ListTopicRules). */
const LARGEST_PAGE = 10_000;

/** The operations of the control plane on topic rules. */
export function ruleOperations(rules: TopicRules) {
  return {
    CreateTopicRule({ ruleName, topicRulePayload, tags }: sdk.CreateTopicRuleCommandInput) {
      rules.create(ruleName, given(topicRulePayload), tagsOf(tags));
      return {};
    },

    GetTopicRule({ ruleName }: sdk.GetTopicRuleCommandInput) {
      const record = rules.existing(ruleName);
      return { ruleArn: rules.arn(record.ruleName), rule: described(record) };
    },

    ListTopicRules({
      topic,
      maxResults = LARGEST_PAGE,
      nextToken,
      ruleDisabled,
    }: sdk.ListTopicRulesCommandInput) {
      const problem = rangeViolation(maxResults, 'maxResults', 1, LARGEST_PAGE);
      if (problem !== undefined) throw invalid(problem);
      function* chosen(after: string | undefined): Iterable<RuleRecord> {
        for (const record of rules.all(after)) {
          if (ruleDisabled !== undefined && record.disabled !== ruleDisabled) continue;
          if (topic !== undefined && !selectsFrom(record, topic)) continue;
          yield record;
        }
      }
      const after = readToken(nextToken, () => invalid('Invalid pagination token'));
      const { items, next } = page(chosen, ({ ruleName }) => ruleName, after, maxResults);
      return {
        rules: items.map((record) => {
          const { topicPattern } = record;
          return {
            ruleArn: rules.arn(record.ruleName),
            ruleName: record.ruleName,
            ...(topicPattern !== undefined && { topicPattern }),
            createdAt: new Date(record.created),
            ruleDisabled: record.disabled,
          };
        }),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    ReplaceTopicRule({ ruleName, topicRulePayload }: sdk.ReplaceTopicRuleCommandInput) {
      rules.replace(ruleName, given(topicRulePayload));
      return {};
    },

    DeleteTopicRule({ ruleName }: sdk.DeleteTopicRuleCommandInput) {
      rules.delete(ruleName);
      return {};
    },

    EnableTopicRule({ ruleName }: sdk.EnableTopicRuleCommandInput) {
      rules.enable(ruleName, true);
      return {};
    },

    DisableTopicRule({ ruleName }: sdk.DisableTopicRuleCommandInput) {
      rules.enable(ruleName, false);
      return {};
    },
  } satisfies Operations<typeof sdk>;
}

function described({ ruleName, payload, disabled, created }: RuleRecord): sdk.TopicRule {
  return {
    ruleName,
    ...payload,
    actions: payload.actions ?? [],
    awsIotSqlVersion: payload.awsIotSqlVersion ?? DEFAULT_SQL_VERSION,
    ruleDisabled: disabled,
    createdAt: new Date(created),
  };
}

/** Whether a rule's filter is this one, or matches this topic. */
function selectsFrom({ topicPattern }: RuleRecord, topic: string): boolean {
  return topicPattern !== undefined && (topicPattern === topic || matches(topicPattern, topic));
}

function given(payload: sdk.TopicRulePayload | undefined): sdk.TopicRulePayload {
  if (payload?.sql === undefined || payload.sql === '') throw invalid('sql is required');
  if (payload.actions === undefined) throw invalid('actions are required');
  return payload;
}

/** Tags as the `x-amz-tagging` header spells them: a URL query. */
function tagsOf(header: string | undefined): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(header ?? ''));
}
