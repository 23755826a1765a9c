import { randomUUID } from 'node:crypto';
import { type TopicRulePayload, UnauthorizedException } from '@aws-sdk/client-iot';
import type { Log } from '../../../log.js';
import type { Base } from '../../../plugin.js';
import type { Table } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked } from '../errors.js';
import { ShadowError } from '../shadows/errors.js';
import type { ShadowService } from '../shadows/shadow-service.js';
import type { Tables } from '../tables.js';
import type { ActionContext } from './actions/action.js';
import type { RulesEngine } from './engine.js';
import { namedRoles } from './named-roles.js';
import { type RoleAccess, roleAccess } from './role-access.js';
import { compileRule, type Rule, type RuleRecord } from './rule.js';
import type { JsonValue, SqlCapabilities } from './sql/index.js';
import type { RuleTargets } from './targets.js';

export interface TopicRulesNeeds extends Pick<Base, 'store' | 'clock' | 'accountId' | 'region'> {
  readonly log: Log;
  readonly arns: IotArns;
  readonly changes: Changes;
  readonly tables: Tables;
  readonly shadows: ShadowService;
  readonly targets: RuleTargets;
  readonly engine: RulesEngine;
}

const RULE_NAME = /^[a-zA-Z0-9_]+$/;

/** The topic rules of the account: what is kept of them, and that the engine has them. */
export class TopicRules {
  readonly #table: Table<RuleRecord>;

  constructor(private readonly needs: TopicRulesNeeds) {
    this.#table = needs.store.table('iot.topicRules');
  }

  /** Takes all rules into force, and goes on with what they had not done when the process before this one ended. */
  start(): void {
    for (const record of this.all()) {
      try {
        this.needs.engine.put(this.#compile(record));
      } catch (error) {
        // Made by a version that took what this one does not take.
        this.needs.log('error', 'A topic rule is not in force', {
          rule: record.ruleName,
          error: String(error),
        });
      }
    }
    this.needs.engine.resume();
  }

  /** In order of their names. @param after only those behind that name. */
  *all(after?: string): Iterable<RuleRecord> {
    for (const [, record] of this.#table.entries(after === undefined ? {} : { after })) yield record;
  }

  get(ruleName: string): RuleRecord | undefined {
    return this.#table.get(ruleName);
  }

  /** @throws UnauthorizedException, which is what AWS IoT says of a rule that does not exist. */
  existing(ruleName: string | undefined): RuleRecord {
    const record = this.get(checked(ruleName, 'ruleName', RULE_NAME, 128));
    if (record) return record;
    throw new UnauthorizedException({
      message: `Access to topic rule '${ruleName}' was denied`,
      $metadata: {},
    });
  }

  /** @throws ResourceAlreadyExistsException, SqlParseException, InvalidRequestException. */
  create(name: string | undefined, payload: TopicRulePayload, tags: Readonly<Record<string, string>>): void {
    const ruleName = checked(name, 'ruleName', RULE_NAME, 128);
    const { tables, changes, clock } = this.needs;
    const arn = this.arn(ruleName);
    const rule = this.#checked(recordOf(ruleName, payload, clock.now()));
    changes.transaction(() => {
      if (this.get(ruleName)) throw alreadyExists(`Topic rule already exists: ${ruleName}`, ruleName, arn);
      this.#table.put(ruleName, rule.record);
      if (Object.keys(tags).length > 0) tables.tags.put(arn, { ...tags });
    });
    this.needs.engine.put(rule);
  }

  /** @throws SqlParseException, InvalidRequestException. */
  replace(name: string | undefined, payload: TopicRulePayload): void {
    const { ruleName, created } = this.existing(name);
    this.#keep(this.#checked(recordOf(ruleName, payload, created)));
  }

  enable(name: string | undefined, enabled: boolean): void {
    this.#keep(this.#compile({ ...this.existing(name), disabled: !enabled }));
  }

  delete(name: string | undefined): void {
    const { tables, changes } = this.needs;
    const { ruleName } = this.existing(name);
    changes.transaction(() => {
      this.#table.delete(ruleName);
      tables.tags.delete(this.arn(ruleName));
    });
    this.needs.engine.delete(ruleName);
  }

  arn(ruleName: string): string {
    return this.needs.arns.of(`rule/${ruleName}`);
  }

  #keep(rule: Rule): void {
    this.#table.put(rule.record.ruleName, rule.record);
    this.needs.engine.put(rule);
  }

  /** @throws InvalidRequestException also when AWS IoT cannot assume a role that the rule names. */
  #checked(record: RuleRecord): Rule {
    const rule = this.#compile(record);
    const roles = this.#roles(record.ruleName);
    for (const role of namedRoles(record.payload)) roles.check(role);
    return rule;
  }

  #roles(ruleName: string): RoleAccess {
    const { targets, accountId } = this.needs;
    return roleAccess(targets.roles, this.arn(ruleName), accountId);
  }

  #compile(record: RuleRecord): Rule {
    const { targets, accountId, region, clock, engine } = this.needs;
    const roles = this.#roles(record.ruleName);
    const context: Omit<ActionContext, 'statement'> = {
      targets,
      roles,
      ruleName: record.ruleName,
      ruleArn: this.arn(record.ruleName),
      accountId,
      region,
      sql: this.#sql(record.ruleName, roles),
      now: () => clock.now(),
      republish: (message, chain) => engine.republish(message, chain),
    };
    return compileRule(record, context);
  }

  /** What the SQL of a rule may ask of the rest of the cloud. */
  #sql(ruleName: string, roles: RoleAccess): SqlCapabilities {
    const { accountId, shadows, arns, targets, log } = this.needs;
    return {
      accountId,
      newUuid: randomUUID,
      async getThingShadow(thingName, roleArn, shadowName) {
        const suffix = shadowName === undefined ? '' : `/${shadowName}`;
        roles.require(roleArn, 'iot:GetThingShadow', arns.thing(thingName) + suffix);
        try {
          return JSON.parse(JSON.stringify(shadows.read({ thingName, shadowName }))) as JsonValue;
        } catch (error) {
          if (error instanceof ShadowError) return undefined;
          throw error;
        }
      },
      invokeLambda: async (functionArn, input) => {
        const payload = Buffer.from(JSON.stringify(input));
        const caller = { service: 'iot.amazonaws.com', sourceArn: this.arn(ruleName) };
        const answer = await targets.invoker?.invoke(functionArn, payload, caller);
        if (!answer) return undefined;
        const text = Buffer.from(answer.payload).toString('utf8');
        if (answer.functionError === undefined) return JSON.parse(text) as JsonValue;
        log('warn', 'A function that the SQL of a rule calls failed', {
          rule: ruleName,
          functionArn,
          error: text,
        });
        return undefined;
      },
    };
  }
}

function recordOf(
  ruleName: string,
  { ruleDisabled, ...payload }: TopicRulePayload,
  created: number,
): RuleRecord {
  // Without members that are undefined.
  const given = JSON.parse(JSON.stringify(payload)) as RuleRecord['payload'];
  return { ruleName, payload: given, disabled: ruleDisabled ?? false, created };
}
