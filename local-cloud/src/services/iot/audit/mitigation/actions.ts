import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../../clock.js';
import { AwsError } from '../../../../errors.js';
import type { Operations } from '../../../../service.js';
import { tagsOf } from '../../../../tags.js';
import type { IotArns } from '../../arns.js';
import type { Changes } from '../../changes.js';
import {
  alreadyExists,
  checkEnum,
  checked,
  invalid,
  limitExceeded,
  notFound,
  REGISTRY_NAME,
} from '../../errors.js';
import { pageOf } from '../../paging.js';
import type { Tables } from '../../tables.js';
import type { Action, AuditTables } from '../records.js';
import type { ServiceRoles } from '../roles.js';

const NAME = /^[a-zA-Z0-9_-]+$/;
const PAGE = 25;
/** AWS IoT Device Defender quota. */
const MOST = 100;
/** AWS IoT API reference, AddThingsToThingGroupParams. */
const MOST_GROUPS = 10;
const TOPIC_ARN = /^arn:[^:]+:sns:[^:]+:\d{12}:[A-Za-z0-9_.-]{1,260}$/;

/** Types of actions by the member that has their parameters. */
const TYPES: Readonly<Record<keyof sdk.MitigationActionParams, sdk.MitigationActionType>> = {
  updateDeviceCertificateParams: 'UPDATE_DEVICE_CERTIFICATE',
  updateCACertificateParams: 'UPDATE_CA_CERTIFICATE',
  addThingsToThingGroupParams: 'ADD_THINGS_TO_THING_GROUP',
  replaceDefaultPolicyVersionParams: 'REPLACE_DEFAULT_POLICY_VERSION',
  enableIoTLoggingParams: 'ENABLE_IOT_LOGGING',
  publishFindingToSnsParams: 'PUBLISH_FINDING_TO_SNS',
};

/** The type of an action. */
export function typeOf(params: sdk.MitigationActionParams): sdk.MitigationActionType | undefined {
  return Object.entries(TYPES).find(([member]) => params[member as keyof typeof TYPES] !== undefined)?.[1];
}

export interface ActionParts {
  readonly tables: AuditTables;
  readonly registry: Tables;
  readonly changes: Changes;
  readonly arns: IotArns;
  readonly clock: Clock;
  readonly roles: ServiceRoles;
}

/** What can be done about findings: the actions that the account has defined. */
export class MitigationActions {
  constructor(private readonly parts: ActionParts) {}

  get(name: string): Action | undefined {
    return this.parts.tables.actions.get(name);
  }

  names(): string[] {
    return [...this.parts.tables.actions.entries()].map(([name]) => name);
  }

  /** @throws ResourceNotFoundException */
  existing(actionName: string | undefined): Action {
    const action = this.get(checked(actionName, 'actionName', NAME, 128));
    if (action) return action;
    throw notFound(`Mitigation action ${actionName} does not exist.`);
  }

  arnOf(name: string): string {
    return this.parts.arns.of(`mitigationaction/${name}`);
  }

  readonly operations = {
    CreateMitigationAction: (input: sdk.CreateMitigationActionCommandInput) => {
      const { tables, registry, changes, clock, roles } = this.parts;
      const name = checked(input.actionName, 'actionName', NAME, 128);
      const params = checkParams(input.actionParams);
      const roleArn = roles.check(input.roleArn, 'roleArn');
      const actionArn = this.arnOf(name);
      return changes.transaction(() => {
        const names = this.names();
        if (names.includes(name)) {
          throw alreadyExists(`Mitigation action ${name} already exists.`, name, actionArn);
        }
        if (names.length >= MOST) {
          throw limitExceeded(`An account can have at most ${MOST} mitigation actions.`);
        }
        const now = clock.now();
        const id = randomUUID();
        tables.actions.put(name, { name, id, roleArn, params, created: now, modified: now });
        if (input.tags?.length) registry.tags.put(actionArn, tagsOf(input.tags));
        return { actionArn, actionId: id };
      });
    },

    UpdateMitigationAction: (input: sdk.UpdateMitigationActionCommandInput) => {
      const { tables, changes, clock, roles } = this.parts;
      return changes.transaction(() => {
        const action = this.existing(input.actionName);
        tables.actions.put(action.name, {
          ...action,
          ...(input.roleArn !== undefined && { roleArn: roles.check(input.roleArn, 'roleArn') }),
          ...(input.actionParams && { params: checkParams(input.actionParams) }),
          modified: clock.now(),
        });
        return { actionArn: this.arnOf(action.name), actionId: action.id };
      });
    },

    DescribeMitigationAction: ({ actionName }: sdk.DescribeMitigationActionCommandInput) => {
      const action = this.existing(actionName);
      return {
        actionName: action.name,
        actionType: typeOf(action.params),
        actionArn: this.arnOf(action.name),
        actionId: action.id,
        roleArn: action.roleArn,
        actionParams: action.params,
        creationDate: new Date(action.created),
        lastModifiedDate: new Date(action.modified),
      };
    },

    ListMitigationActions: (input: sdk.ListMitigationActionsCommandInput) => {
      checkEnum(input.actionType, 'actionType', Object.values(TYPES));
      const all = this.names()
        .map((name) => this.existing(name))
        .filter(({ params }) => input.actionType === undefined || typeOf(params) === input.actionType);
      const { items, next } = pageOf(all, ({ name }) => name, input.nextToken, input.maxResults ?? PAGE);
      return {
        actionIdentifiers: items.map(({ name, created }) => ({
          actionName: name,
          actionArn: this.arnOf(name),
          creationDate: new Date(created),
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    /** Deletes an action when there is one, as AWS's names no error for one that is not there. */
    DeleteMitigationAction: ({ actionName }: sdk.DeleteMitigationActionCommandInput) => {
      const { tables, registry, changes } = this.parts;
      const name = checked(actionName, 'actionName', NAME, 128);
      changes.transaction(() => {
        tables.actions.delete(name);
        registry.tags.delete(this.arnOf(name));
      });
      return {};
    },
  } satisfies Operations<typeof sdk>;
}

/** @throws InvalidRequestException, and NotImplementedException for actions that cannot be carried out here. */
function checkParams(params: sdk.MitigationActionParams | undefined): sdk.MitigationActionParams {
  const given = Object.entries(params ?? {}).filter(([, value]) => value !== undefined);
  if (!params || given.length !== 1) {
    throw invalid('The actionParams must have the parameters of exactly one type of action.');
  }
  const type = typeOf(params);
  const { updateDeviceCertificateParams, addThingsToThingGroupParams, publishFindingToSnsParams } = params;
  if (updateDeviceCertificateParams) {
    checkEnum(updateDeviceCertificateParams.action ?? '', 'action', ['DEACTIVATE']);
  } else if (addThingsToThingGroupParams) {
    const { thingGroupNames = [] } = addThingsToThingGroupParams;
    if (thingGroupNames.length === 0 || thingGroupNames.length > MOST_GROUPS) {
      throw invalid(`The thingGroupNames must name 1 to ${MOST_GROUPS} thing groups.`);
    }
    for (const name of thingGroupNames) checked(name, 'thingGroupNames', REGISTRY_NAME, 128);
  } else if (publishFindingToSnsParams) {
    checked(publishFindingToSnsParams.topicArn, 'topicArn', TOPIC_ARN, 2048);
  } else {
    const message = `The mitigation action ${type} is not built in the local cloud`;
    throw new AwsError('NotImplementedException', message, 501);
  }
  return params;
}
