import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';

/** What SDKs and tools ask of the account: its quotas (those of a new account) and where its endpoint is. */
export function accountOperations(): Operations<typeof sdk> {
  return {
    DescribeLimits: () => ({
      AccountMaxReadCapacityUnits: 80_000,
      AccountMaxWriteCapacityUnits: 80_000,
      TableMaxReadCapacityUnits: 40_000,
      TableMaxWriteCapacityUnits: 40_000,
    }),
    DescribeEndpoints: (_input, { request, region }) => ({
      Endpoints: [
        { Address: request.headers.host ?? `dynamodb.${region}.amazonaws.com`, CachePeriodInMinutes: 1440 },
      ],
    }),
  };
}
