import type * as sdk from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidArgument, noSuch, notBuilt } from './errors.js';
import { listed, newId, type Versioned, type VersionedTable, versionedTable } from './versioned.js';

export type OriginAccessControl = Versioned<sdk.OriginAccessControlConfig>;

type OperationNames =
  | 'CreateOriginAccessControl'
  | 'GetOriginAccessControl'
  | 'GetOriginAccessControlConfig'
  | 'UpdateOriginAccessControl'
  | 'DeleteOriginAccessControl'
  | 'ListOriginAccessControls';

/** How distributions say to their origins who they are. */
export interface OriginAccessControls {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  readonly table: VersionedTable<OriginAccessControl>;
}

/** @param isUsed whether a distribution has it. */
export function originAccessControls(base: Base, isUsed: (id: string) => boolean): OriginAccessControls {
  const table = versionedTable<OriginAccessControl>(
    base,
    base.store.table('cloudfront.originAccessControls'),
    () => noSuch('OriginAccessControl', 'The origin access control does not exist.'),
  );

  function checked(config: sdk.OriginAccessControlConfig | undefined, own?: string) {
    const { Name = '', SigningBehavior, SigningProtocol, OriginAccessControlOriginType: type } = config ?? {};
    if (!/^[^\s].{0,63}$/.test(Name)) throw invalidArgument('The parameter Name is not valid.');
    if (!['never', 'always', 'no-override'].includes(SigningBehavior ?? '')) {
      throw invalidArgument('The parameter SigningBehavior is not valid.');
    }
    if (SigningProtocol !== 'sigv4') throw invalidArgument('The parameter SigningProtocol is not valid.');
    if (type !== 's3' && type !== 'lambda')
      throw notBuilt(`The origin type ${type} of an origin access control`);
    if (table.all().some(({ id, config: other }) => id !== own && other.Name === Name)) {
      throw new AwsError(
        'OriginAccessControlAlreadyExists',
        'An origin access control with this name already exists.',
        409,
      );
    }
    return { ...config, Description: config?.Description ?? '' } as sdk.OriginAccessControlConfig;
  }

  const described = ({ id, config, etag }: OriginAccessControl) => ({
    OriginAccessControl: { Id: id, OriginAccessControlConfig: config },
    ETag: etag,
  });

  return {
    table,
    operations: {
      CreateOriginAccessControl({ OriginAccessControlConfig }) {
        const made = table.save({ id: newId('E'), config: checked(OriginAccessControlConfig) });
        return {
          ...described(made),
          Location: `https://cloudfront.amazonaws.com/2020-05-31/origin-access-control/${made.id}`,
        };
      },
      GetOriginAccessControl: ({ Id }) => described(table.get(Id)),
      GetOriginAccessControlConfig({ Id }) {
        const { config, etag } = table.get(Id);
        return { OriginAccessControlConfig: config, ETag: etag };
      },
      UpdateOriginAccessControl({ Id, IfMatch, OriginAccessControlConfig }) {
        const { id } = table.getVersion(Id, IfMatch);
        return described(table.save({ id, config: checked(OriginAccessControlConfig, id) }));
      },
      DeleteOriginAccessControl({ Id, IfMatch }) {
        const { id } = table.getVersion(Id, IfMatch);
        if (isUsed(id)) {
          throw new AwsError(
            'OriginAccessControlInUse',
            'Cannot delete the origin access control because it is in use by one or more distributions.',
            409,
          );
        }
        table.remove(id);
        return {};
      },
      ListOriginAccessControls: (input) => ({
        OriginAccessControlList: listed(table.all(), input, ({ id, config }) => ({
          ...config,
          Id: id,
          Description: config.Description ?? '',
        })),
      }),
    },
  };
}
