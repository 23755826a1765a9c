import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { secondParts, type Tables } from '../tables.js';
import type { Certificates } from './certificates.js';
import type { Things } from './things.js';

/** Which certificates are attached to which things. */
export function thingPrincipals(
  tables: Tables,
  changes: Changes,
  arns: IotArns,
  registry: { things: Things; certificates: Certificates },
) {
  function existingPrincipal(principal: string | undefined): string {
    const { type, name } = arns.parse(principal ?? '') ?? {};
    if (type !== 'cert' || principal === undefined) {
      throw invalid(`Invalid principal ${principal}: it is not the ARN of a certificate`);
    }
    registry.certificates.existing(name);
    return principal;
  }

  /** Attaches a certificate to a thing; an exclusive attachment is the certificate's only one. */
  function attach(
    thing: string | undefined,
    principal: string | undefined,
    type: sdk.ThingPrincipalType = 'NON_EXCLUSIVE_THING',
  ): void {
    changes.transaction(() => {
      const { thingName } = registry.things.existing(thing);
      const arn = existingPrincipal(principal);
      for (const [other, held] of secondParts(tables.principalThings, arn)) {
        if (other === thingName) continue;
        if (held === 'EXCLUSIVE_THING') {
          throw invalid(`Principal ${arn} is attached exclusively to thing ${other}`);
        }
        if (type === 'EXCLUSIVE_THING') {
          throw invalid(
            `Principal ${arn} is attached to thing ${other}, so it cannot be attached exclusively`,
          );
        }
      }
      tables.principalThings.put(key(arn, thingName), type);
      tables.thingPrincipals.put(key(thingName, arn), type);
      changes.touch(`principal/${arn}`);
    });
  }

  const ofThing = (thing: string | undefined) => [
    ...secondParts(tables.thingPrincipals, registry.things.existing(thing).thingName),
  ];
  const ofPrincipal = (principal: string | undefined) => [
    ...secondParts(tables.principalThings, existingPrincipal(principal)),
  ];
  const filtered = <T extends readonly [string, sdk.ThingPrincipalType]>(
    all: readonly T[],
    type: sdk.ThingPrincipalType | undefined,
  ) => all.filter(([, held]) => type === undefined || held === type);
  const first = ([name]: readonly [string, unknown]) => name;

  const operations = {
    AttachThingPrincipal(input: sdk.AttachThingPrincipalCommandInput) {
      attach(input.thingName, input.principal, input.thingPrincipalType);
      return {};
    },

    DetachThingPrincipal(input: sdk.DetachThingPrincipalCommandInput) {
      return changes.transaction(() => {
        const { thingName } = registry.things.existing(input.thingName);
        const arn = existingPrincipal(input.principal);
        if (!tables.principalThings.delete(key(arn, thingName))) {
          throw notFound(`Principal ${arn} is not attached to thing ${thingName}.`);
        }
        tables.thingPrincipals.delete(key(thingName, arn));
        changes.touch(`principal/${arn}`);
        return {};
      });
    },

    ListThingPrincipals(input: sdk.ListThingPrincipalsCommandInput) {
      const { items, next } = pageOf(ofThing(input.thingName), first, input.nextToken, input.maxResults);
      return { principals: items.map(first), ...(next !== undefined && { nextToken: next }) };
    },

    ListThingPrincipalsV2(input: sdk.ListThingPrincipalsV2CommandInput) {
      const all = filtered(ofThing(input.thingName), input.thingPrincipalType);
      const { items, next } = pageOf(all, first, input.nextToken, input.maxResults);
      return {
        thingPrincipalObjects: items.map(([principal, thingPrincipalType]) => ({
          principal,
          thingPrincipalType,
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    ListPrincipalThings(input: sdk.ListPrincipalThingsCommandInput) {
      const { items, next } = pageOf(ofPrincipal(input.principal), first, input.nextToken, input.maxResults);
      return { things: items.map(first), ...(next !== undefined && { nextToken: next }) };
    },

    ListPrincipalThingsV2(input: sdk.ListPrincipalThingsV2CommandInput) {
      const all = filtered(ofPrincipal(input.principal), input.thingPrincipalType);
      const { items, next } = pageOf(all, first, input.nextToken, input.maxResults);
      return {
        principalThingObjects: items.map(([thingName, thingPrincipalType]) => ({
          thingName,
          thingPrincipalType,
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return {
    operations,
    attach,
    /**
     * The thing that a connection of a principal counts as (AWS IoT developer guide, "Thing policy variables"):
     * the one it is attached to exclusively, whatever the client id; else the one whose name is the client id, if
     * it is attached to that.
     */
    thingOf(
      principal: string,
      clientId: string | undefined,
    ): { thingName: string; exclusive: boolean } | undefined {
      const [attached] = secondParts(tables.principalThings, principal);
      if (!attached) return undefined;
      const [name, type] = attached;
      if (type === 'EXCLUSIVE_THING') return { thingName: name, exclusive: true };
      if (clientId === undefined || !tables.principalThings.get(key(principal, clientId))) return undefined;
      return { thingName: clientId, exclusive: false };
    },
  };
}

export type ThingPrincipals = ReturnType<typeof thingPrincipals>;
