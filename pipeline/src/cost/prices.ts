/** What a unit of something costs. */
export interface Price {
  /** The service as its bill names it. */
  readonly service: Service;
  /** US dollars for one {@link unit}. */
  readonly usd: number;
  readonly unit: string;
  /** Where the figure is from. */
  readonly source: string;
  /** When it was valid there, ISO 8601. */
  readonly date: string;
}

export type Service = 'IoT Core' | 'Greengrass' | 'Device Defender' | 'S3' | 'ECR' | 'Lambda' | 'DynamoDB';

/** The region that all prices are of. */
export const PRICE_REGION = 'eu-central-1';

const THESIS =
  'Cloud-Native IoT Reference Architecture with Arm SystemReady, HES-SO 2024, section 5.9: its monthly line divided by its workload';
const THESIS_DATE = '2024-07-31';
const listed = (page: string) => `https://aws.amazon.com/${page}/pricing/, region Europe (Frankfurt)`;
const LISTED_DATE = '2024-12-01';

/**
 * List prices in eu-central-1, without taxes, free tiers and volume discounts. Prices change: compare with the
 * page that is named before you rely on a figure.
 */
export const prices = {
  connectionMinute: {
    service: 'IoT Core',
    usd: 0.096 / 1e6,
    unit: 'minute that a device is connected',
    source: listed('iot-core'),
    date: LISTED_DATE,
  },
  message: {
    service: 'IoT Core',
    usd: 1.2 / 1e6,
    unit: '5 KiB of a message',
    source: listed('iot-core'),
    date: LISTED_DATE,
  },
  ruleTriggered: {
    service: 'IoT Core',
    usd: 0.18 / 1e6,
    unit: '5 KiB of a message that a rule takes',
    source: listed('iot-core'),
    date: LISTED_DATE,
  },
  ruleAction: {
    service: 'IoT Core',
    usd: 0.18 / 1e6,
    unit: '5 KiB of a message that an action is done with',
    source: listed('iot-core'),
    date: LISTED_DATE,
  },
  coreDevice: {
    service: 'Greengrass',
    usd: 0.1852,
    unit: 'core device and month',
    source: THESIS,
    date: THESIS_DATE,
  },
  auditedDevice: {
    service: 'Device Defender',
    usd: 0.0013,
    unit: 'device and month that is audited',
    source: THESIS,
    date: THESIS_DATE,
  },
  objectStorage: {
    service: 'S3',
    usd: 0.0245,
    unit: 'GB and month, S3 Standard',
    source: listed('s3'),
    date: LISTED_DATE,
  },
  imageStorage: {
    service: 'ECR',
    usd: 0.1,
    unit: 'GB and month',
    source: listed('ecr'),
    date: LISTED_DATE,
  },
  lambdaRequest: {
    service: 'Lambda',
    usd: 0.2 / 1e6,
    unit: 'invocation',
    source: listed('lambda'),
    date: LISTED_DATE,
  },
  lambdaX86: {
    service: 'Lambda',
    usd: 0.000_016_666_7,
    unit: 'GB-second, x86',
    source: listed('lambda'),
    date: LISTED_DATE,
  },
  lambdaArm: {
    service: 'Lambda',
    usd: 0.000_013_333_4,
    unit: 'GB-second, Arm',
    source: listed('lambda'),
    date: LISTED_DATE,
  },
  tableWrite: {
    service: 'DynamoDB',
    usd: 0.7625 / 1e6,
    unit: 'write of up to 1 KiB, on demand',
    source: listed('dynamodb'),
    date: LISTED_DATE,
  },
  tableRead: {
    service: 'DynamoDB',
    usd: 0.1525 / 1e6,
    unit: 'read of up to 4 KiB, on demand',
    source:
      'https://aws.amazon.com/dynamodb/pricing/, US East (N. Virginia), times 1.22 as the writes of Frankfurt are',
    date: LISTED_DATE,
  },
  tableStorage: {
    service: 'DynamoDB',
    usd: 0.306,
    unit: 'GB and month',
    source: listed('dynamodb'),
    date: LISTED_DATE,
  },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;
