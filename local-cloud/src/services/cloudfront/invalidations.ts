import type * as sdk from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { key, secondParts } from '../../store/store.js';
import type { Distribution } from './distributions.js';
import { invalidArgument, noSuch } from './errors.js';
import { listed, newId, type VersionedTable } from './versioned.js';

interface Invalidation {
  readonly id: string;
  readonly callerReference: string;
  readonly paths: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
}

type OperationNames = 'CreateInvalidation' | 'GetInvalidation' | 'ListInvalidations';

/** Invalidations: complete as soon as they are made, since nothing is cached. */
export function invalidations(
  { store, clock }: Base,
  distributions: VersionedTable<Distribution>,
): {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  forget(distributionId: string): void;
} {
  const table = store.table<Invalidation>('cloudfront.invalidations');
  const of = (distributionId: string) => [...secondParts(table, distributionId)].map(([, one]) => one);

  const described = ({ id, callerReference, paths, created }: Invalidation) => ({
    Invalidation: {
      Id: id,
      Status: 'Completed',
      CreateTime: new Date(created),
      InvalidationBatch: {
        CallerReference: callerReference,
        Paths: { Quantity: paths.length, Items: [...paths] },
      },
    },
  });

  return {
    forget(distributionId) {
      for (const { id } of of(distributionId)) table.delete(key(distributionId, id));
    },
    operations: {
      CreateInvalidation({ DistributionId, InvalidationBatch: batch }) {
        const { id: distributionId } = distributions.get(DistributionId);
        const paths = batch?.Paths?.Items ?? [];
        if (paths.length !== batch?.Paths?.Quantity || paths.length === 0) {
          throw new AwsError(
            'InconsistentQuantities',
            "The value of Quantity and the size of Items don't match.",
          );
        }
        const odd = paths.find((path) => !path.startsWith('/'));
        if (odd !== undefined) {
          throw invalidArgument(
            'Your request contains one or more invalid invalidation paths: they begin with /.',
          );
        }
        const callerReference = batch.CallerReference ?? '';
        const twin = of(distributionId).find((one) => one.callerReference === callerReference);
        const isSame = twin && JSON.stringify(twin.paths) === JSON.stringify(paths);
        if (twin && !isSame) {
          throw invalidArgument(
            'Invalidation request with the same caller reference but different paths already exists.',
          );
        }
        const made = twin ?? { id: newId('I'), callerReference, paths, created: clock.now() };
        table.put(key(distributionId, made.id), made);
        const address = `https://cloudfront.amazonaws.com/2020-05-31/distribution/${distributionId}`;
        return { ...described(made), Location: `${address}/invalidation/${made.id}` };
      },
      GetInvalidation({ DistributionId, Id = '' }) {
        const { id } = distributions.get(DistributionId);
        const found = table.get(key(id, Id));
        if (!found) throw noSuch('Invalidation', 'The specified invalidation does not exist.');
        return described(found);
      },
      ListInvalidations({ DistributionId, ...page }) {
        const { id } = distributions.get(DistributionId);
        return {
          InvalidationList: listed(of(id), page, (one) => ({
            Id: one.id,
            CreateTime: new Date(one.created),
            Status: 'Completed',
          })),
        };
      },
    },
  };
}
