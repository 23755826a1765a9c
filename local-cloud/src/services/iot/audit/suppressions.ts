import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import { violation } from '../../../constraints.js';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import type { Changes } from '../changes.js';
import { alreadyExists, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { type CheckName, checkName } from './catalog.js';
import type { AuditTables, Suppression } from './records.js';
import { identityFor, identityOf } from './resource-identifiers.js';

const PAGE = 25;
const DESCRIPTION = /^[^\p{Cc}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** Findings that somebody does not want to hear of, for a time or for good. */
export class Suppressions {
  constructor(
    private readonly tables: AuditTables,
    private readonly changes: Changes,
    private readonly clock: Clock,
  ) {}

  /** Whether findings of a check about a resource are suppressed now. */
  covers(name: CheckName, identifier: sdk.ResourceIdentifier): boolean {
    return this.#inForce(key(name, identityOf(identifier))) !== undefined;
  }

  readonly operations = {
    CreateAuditSuppression: (input: sdk.CreateAuditSuppressionCommandInput) => {
      const { name, id } = this.#named(input);
      const made = this.#made(name, input, undefined);
      this.changes.transaction(() => {
        if (this.#inForce(id)) {
          throw alreadyExists(`An audit suppression of ${name} for this resource already exists.`, name, '');
        }
        if (made.token !== undefined) {
          for (const [, { token }] of this.tables.suppressions.entries()) {
            if (token === made.token)
              throw alreadyExists('The client request token was already used.', name, '');
          }
        }
        this.tables.suppressions.put(id, made);
      });
      return {};
    },

    UpdateAuditSuppression: (input: sdk.UpdateAuditSuppressionCommandInput) => {
      const { name, id } = this.#named(input);
      this.changes.transaction(() => {
        this.tables.suppressions.put(id, this.#made(name, input, this.#existing(name, id)));
      });
      return {};
    },

    DescribeAuditSuppression: (input: sdk.DescribeAuditSuppressionCommandInput) => {
      const { name, id } = this.#named(input);
      return described(this.#existing(name, id));
    },

    ListAuditSuppressions: (input: sdk.ListAuditSuppressionsCommandInput) => {
      const name = input.checkName === undefined ? undefined : checkName(input.checkName);
      const identity = input.resourceIdentifier && identityOf(input.resourceIdentifier);
      const direction = input.ascendingOrder === false ? -1 : 1;
      const all = [...this.tables.suppressions.entries()]
        .filter(([id]) => this.#inForce(id))
        .filter(([, one]) => name === undefined || one.checkName === name)
        .filter(([, one]) => identity === undefined || identityOf(one.identifier) === identity)
        .sort(([a, one], [b, other]) => direction * (endOf(one) - endOf(other) || (a < b ? -1 : 1)));
      const { items, next } = pageOf(all, ([id]) => id, input.nextToken, input.maxResults ?? PAGE);
      return {
        suppressions: items.map(([, one]) => described(one)),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    DeleteAuditSuppression: (input: sdk.DeleteAuditSuppressionCommandInput) => {
      this.tables.suppressions.delete(this.#named(input).id);
      return {};
    },
  } satisfies Operations<typeof sdk>;

  #named(input: { checkName: string | undefined; resourceIdentifier: sdk.ResourceIdentifier | undefined }): {
    name: CheckName;
    id: string;
  } {
    const name = checkName(input.checkName);
    return { name, id: key(name, identityFor(name, input.resourceIdentifier)) };
  }

  #inForce(id: string): Suppression | undefined {
    const found = this.tables.suppressions.get(id);
    return found && endOf(found) > this.clock.now() ? found : undefined;
  }

  #existing(name: CheckName, id: string): Suppression {
    const found = this.#inForce(id);
    if (found) return found;
    throw notFound(`There is no audit suppression of ${name} for this resource.`);
  }

  #made(
    checkName: CheckName,
    input: sdk.CreateAuditSuppressionCommandInput | sdk.UpdateAuditSuppressionCommandInput,
    before: Suppression | undefined,
  ): Suppression {
    const { description = before?.description } = input;
    if (description !== undefined && (description.length > 1000 || !DESCRIPTION.test(description))) {
      const rule = 'Member must have length less than or equal to 1000 and satisfy [\\p{Graph}\\x20]*';
      throw invalid(violation(description, 'description', rule));
    }
    const says = input.expirationDate !== undefined || input.suppressIndefinitely !== undefined;
    const expires = says || !before ? input.expirationDate?.getTime() : before.expires;
    const indefinitely = says || !before ? input.suppressIndefinitely === true : before.indefinitely;
    if (indefinitely === (expires !== undefined)) {
      throw invalid('Exactly one of expirationDate and suppressIndefinitely must be given.');
    }
    if (expires !== undefined && !(expires > this.clock.now())) {
      throw invalid('The expirationDate must be in the future.');
    }
    const token = 'clientRequestToken' in input ? input.clientRequestToken : before?.token;
    return {
      checkName,
      identifier: input.resourceIdentifier ?? {},
      indefinitely,
      ...(expires !== undefined && { expires }),
      ...(description !== undefined && { description }),
      ...(token !== undefined && { token }),
    };
  }
}

function endOf({ expires }: Suppression): number {
  return expires ?? Number.MAX_SAFE_INTEGER;
}

function described(found: Suppression): sdk.AuditSuppression {
  return {
    checkName: found.checkName,
    resourceIdentifier: found.identifier,
    ...(found.expires !== undefined && { expirationDate: new Date(found.expires) }),
    suppressIndefinitely: found.indefinitely,
    ...(found.description !== undefined && { description: found.description }),
  };
}
