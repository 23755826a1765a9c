import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { invalid } from '../errors.js';
import type { Tables } from '../tables.js';

/** Where the device listeners are; known once they listen. */
export interface Endpoints {
  readonly host: string;
  readonly mqttPort: number;
  readonly httpsPort: number;
}

/** Port that clients take when an endpoint names none. */
const DEFAULT_PORT = { mqtt: 8883, https: 443 };

/** Endpoints and event configurations of the account. */
export function accountSettings(tables: Tables, endpoints: () => Endpoints) {
  /** The endpoint's address alone when its port is the one that clients assume, as AWS's endpoints name no port. */
  const address = (kind: 'mqtt' | 'https') => {
    const { host, mqttPort, httpsPort } = endpoints();
    const name =
      host === '127.0.0.1' || host === '::1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
    const port = kind === 'mqtt' ? mqttPort : httpsPort;
    return port === DEFAULT_PORT[kind] ? name : `${name}:${port}`;
  };

  const operations = {
    DescribeEndpoint({ endpointType }: sdk.DescribeEndpointCommandInput) {
      switch (endpointType) {
        case undefined:
        case 'iot:Data':
        case 'iot:Data-ATS':
        case 'iot:Data-Beta':
          return { endpointAddress: address('mqtt') };
        case 'iot:CredentialProvider':
        case 'iot:Jobs':
          return { endpointAddress: address('https') };
        default:
          throw invalid(`The endpoint type ${endpointType} is not valid`);
      }
    },

    DescribeEventConfigurations() {
      return { eventConfigurations: configurations() };
    },

    UpdateEventConfigurations({ eventConfigurations = {} }: sdk.UpdateEventConfigurationsCommandInput) {
      tables.settings.put('eventConfigurations', { ...configurations(), ...eventConfigurations });
      return {};
    },
  } satisfies Operations<typeof sdk>;

  function configurations(): Record<string, sdk.Configuration> {
    const none: Record<string, sdk.Configuration> = Object.fromEntries(
      EVENT_TYPES.map((type) => [type, { Enabled: false }]),
    );
    return { ...none, ...(tables.settings.get('eventConfigurations') as Record<string, sdk.Configuration>) };
  }

  return {
    operations,
    /** Whether the account has enabled messages of this type on `$aws/events`. */
    isEventEnabled: (type: (typeof EVENT_TYPES)[number]) => configurations()[type]?.Enabled === true,
  };
}

const EVENT_TYPES = [
  'THING',
  'THING_GROUP',
  'THING_TYPE',
  'THING_GROUP_MEMBERSHIP',
  'THING_GROUP_HIERARCHY',
  'THING_TYPE_ASSOCIATION',
  'JOB',
  'JOB_EXECUTION',
  'POLICY',
  'CERTIFICATE',
  'CA_CERTIFICATE',
] as const;
