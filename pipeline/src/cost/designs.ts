import type { PriceName } from './prices.js';

/** What the fleet does, the same for every design. */
export interface Workload {
  readonly devices: number;
  /** Payload of a message in bytes. */
  readonly messageBytes: number;
  /** Messages that each device sends in a minute; fractions are allowed. */
  readonly perMinute: number;
}

/** How many of a priced unit a month takes, and what they are for. */
export interface Usage {
  readonly price: PriceName;
  readonly quantity: number;
  readonly what: string;
}

/** A month as AWS's calculator counts it: 730 hours, in minutes. */
export const MONTH_MINUTES = 730 * 60;

/** AWS IoT Core meters messages and rules in steps of this many bytes. */
const METERED_BYTES = 5 * 1024;
const GB = 1e9;

/** What the thesis built: every message through the broker to a Lambda function, large images. */
export const thesis = {
  /** GB of its OS image. */
  osImage: 2.6,
  /** GB of container images in ECR, as its 5.00 USD count them. */
  containerImages: 50,
  /** Of its functions, in GB and seconds: its 2.65 USD, with the price of a request taken off. */
  lambda: { memory: 0.125, seconds: 0.2 },
} as const;

/** What Mooring builds. Each figure is an assumption of the estimate, and is printed with it. */
export const ours = {
  /** GB of the compressed OS image: the limit that its build keeps. */
  osImage: 0.5,
  /**
   * GB of container images: of each of four repositories the base of two architectures once (96 MB), as layers
   * that versions share are stored once, and the programs of ten versions (14 MB).
   */
  containerImages: 0.44,
  /** What the rule's SELECT keeps of a message, in bytes: an item of the table. */
  itemBytes: 1024,
  /** Days until an item's time to live ends. */
  retentionDays: 30,
  /** What happens to a device in a month, mostly connections: an item of the table of events and of its index each. */
  eventsPerDevice: 60,
  /** Somebody looks at the dashboard for 8 hours on 22 days, which asks twice a minute. */
  dashboard: { requests: 22 * 8 * 120, memory: 0.25, seconds: 0.3, readsPerRequest: 5 },
  /** Rotations of a certificate in a year, with three invocations of 256 MB and two seconds each. */
  rotationsPerYear: 1,
  lambda: { memory: 0.25, seconds: 2, perRotation: 3 },
} as const;

/** The monthly usage of the thesis's design. */
export function thesisUsage(workload: Workload): Usage[] {
  const { messages, metered, minutes } = monthly(workload);
  return [
    { price: 'connectionMinute', quantity: minutes, what: 'connected all the time' },
    { price: 'message', quantity: metered, what: 'messages through the broker' },
    { price: 'ruleTriggered', quantity: metered, what: 'a rule for each message' },
    { price: 'ruleAction', quantity: metered, what: 'its Lambda action' },
    { price: 'coreDevice', quantity: workload.devices, what: 'core devices' },
    { price: 'auditedDevice', quantity: workload.devices, what: 'audited for expiring certificates' },
    { price: 'objectStorage', quantity: thesis.osImage, what: 'OS image' },
    { price: 'imageStorage', quantity: thesis.containerImages, what: 'container images' },
    { price: 'lambdaRequest', quantity: messages, what: 'an invocation for each message' },
    {
      price: 'lambdaX86',
      quantity: messages * thesis.lambda.memory * thesis.lambda.seconds,
      what: `${thesis.lambda.memory * 1000} MB for ${thesis.lambda.seconds * 1000} ms each`,
    },
  ];
}

/**
 * The monthly usage of Mooring: messages by Basic Ingest, which is not metered as messaging (AWS IoT developer
 * guide, "Reducing messaging costs with Basic Ingest"), and a rule that puts them into DynamoDB itself.
 */
export function ourUsage(workload: Workload): Usage[] {
  const { messages, metered, minutes } = monthly(workload);
  const stored = (messages / 30.4) * ours.retentionDays * Math.min(ours.itemBytes, workload.messageBytes);
  const invocations = (workload.devices * ours.rotationsPerYear * ours.lambda.perRotation) / 12;
  const events = workload.devices * ours.eventsPerDevice;
  const { requests, memory, seconds, readsPerRequest } = ours.dashboard;
  return [
    { price: 'connectionMinute', quantity: minutes, what: 'connected all the time' },
    { price: 'ruleTriggered', quantity: metered, what: 'a rule for each message, by Basic Ingest' },
    { price: 'ruleAction', quantity: metered, what: 'its DynamoDB action' },
    { price: 'ruleTriggered', quantity: events, what: 'a rule for each event of the fleet' },
    { price: 'ruleAction', quantity: events, what: 'its DynamoDB action' },
    { price: 'coreDevice', quantity: workload.devices, what: 'core devices' },
    { price: 'auditedDevice', quantity: workload.devices, what: 'audited for expiring certificates' },
    { price: 'objectStorage', quantity: ours.osImage, what: 'OS image' },
    { price: 'imageStorage', quantity: ours.containerImages, what: 'container images, layers shared' },
    { price: 'lambdaRequest', quantity: invocations, what: 'certificate rotations' },
    { price: 'lambdaRequest', quantity: requests, what: 'what the dashboard asks' },
    {
      price: 'lambdaArm',
      quantity: invocations * ours.lambda.memory * ours.lambda.seconds,
      what: `${ours.lambda.memory * 1000} MB for ${ours.lambda.seconds} s each`,
    },
    {
      price: 'lambdaArm',
      quantity: requests * memory * seconds,
      what: `${memory * 1000} MB for ${seconds * 1000} ms each`,
    },
    {
      price: 'tableWrite',
      quantity: messages * Math.ceil(Math.min(ours.itemBytes, workload.messageBytes) / 1024),
      what: `an item of at most ${ours.itemBytes} bytes for each message`,
    },
    { price: 'tableWrite', quantity: 2 * events, what: 'an item for each event, and of the index' },
    { price: 'tableRead', quantity: requests * readsPerRequest, what: 'charts and events on the dashboard' },
    { price: 'tableStorage', quantity: stored / GB, what: `items of ${ours.retentionDays} days` },
  ];
}

function monthly({ devices, messageBytes, perMinute }: Workload) {
  const minutes = devices * MONTH_MINUTES;
  const messages = minutes * perMinute;
  return { minutes, messages, metered: messages * Math.max(1, Math.ceil(messageBytes / METERED_BYTES)) };
}
