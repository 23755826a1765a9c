import { type Clock, guardedClock, systemClock } from './clock.js';
import { reportDefect } from './defects.js';
import { front } from './http/front.js';
import { listenHttp } from './http/listener.js';
import { jsonLog, type Log } from './log.js';
import type { Base, Plugin } from './plugin.js';
import { cloudControl } from './services/cloudcontrol/cloudcontrol.js';
import { cloudFormation } from './services/cloudformation/cloudformation.js';
import { cloudFront } from './services/cloudfront/cloudfront.js';
import { cloudWatchLogs } from './services/cloudwatch-logs/cloudwatch-logs.js';
import { cognitoIdentityPools } from './services/cognito-identity/cognito-identity.js';
import { cognitoUserPools } from './services/cognito-idp/cognito-idp.js';
import { dynamoDb } from './services/dynamodb/dynamodb.js';
import { ecr } from './services/ecr/ecr.js';
import { greengrass } from './services/greengrassv2/greengrass.js';
import { iam } from './services/iam/iam.js';
import { servicePath } from './services/iot/devices/https-listener.js';
import { iot } from './services/iot/iot.js';
import { credentialsProvider } from './services/iot-credentials/credentials-provider.js';
import { IOT_DATA_PATHS, iotDataPlane } from './services/iot-data/iot-data.js';
import { IOT_JOBS_DATA_PATH, iotJobsDataPlane } from './services/iot-jobs-data/iot-jobs-data.js';
import { lambda } from './services/lambda/lambda.js';
import { s3 } from './services/s3/s3.js';
import { sns } from './services/sns/sns.js';
import { sqs } from './services/sqs/sqs.js';
import { credentialsIssuer } from './services/sts/issuer.js';
import { sts } from './services/sts/sts.js';
import { openStore } from './store/store.js';

export interface LocalCloudOptions {
  /** Where the state is kept; made when it does not exist. */
  stateDirectory: string;
  /** Address to listen on; loopback unless told otherwise. */
  host?: string;
  /** Ports; 0 takes any free one. */
  ports?: Partial<Ports>;
  /** Twelve digits. */
  accountId?: string;
  region?: string;
  /**
   * How long device certificates that are made are valid: a number and a unit, such as `20d`, `36h` or `90s`; to the end
   * of 2049, as AWS IoT's, when it is not given. `PUT /_local/certificate-validity` changes it while the cloud runs.
   */
  certificateValidity?: string;
  clock?: Clock;
  log?: Log;
}

export interface Ports {
  /** HTTP of the control planes. */
  http: number;
  /** MQTT over mutual TLS. */
  mqtt: number;
  /** HTTPS over mutual TLS. */
  https: number;
}

export const DEFAULT_PORTS: Readonly<Ports> = { http: 4566, mqtt: 8883, https: 8443 };

export interface LocalCloud {
  readonly ports: Readonly<Ports>;
  /** What `AWS_ENDPOINT_URL` has to be. */
  readonly endpointUrl: string;
  readonly accountId: string;
  readonly region: string;
  close(): Promise<void>;
}

/**
 * Starts the local cloud.
 *
 * @throws LocalCloudError when a port is taken or the state directory cannot be used.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const host = options.host ?? '127.0.0.1';
  const wanted = { ...DEFAULT_PORTS, ...options.ports };
  const store = openStore(options.stateDirectory);
  const base: Base = {
    store,
    stateDirectory: options.stateDirectory,
    clock: guardedClock(options.clock ?? systemClock, reportDefect),
    accountId: options.accountId ?? '000000000000',
    region: options.region ?? 'eu-central-1',
    log: options.log ?? jsonLog('warn'),
  };
  const closers: (() => Promise<void>)[] = [() => store.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const issuer = credentialsIssuer(base);
    const identities = iam(base);
    const { roles, oidcProviders } = identities;
    const tokens = sts(base, { roles, issuer, oidcProviders });
    const userPools = cognitoUserPools(base, { roles });
    const { idTokens } = userPools;
    const identityPools = cognitoIdentityPools(base, { roles, issuer, idTokens });
    const logs = cloudWatchLogs(base, { roles });
    const objects = s3(base, { roles });
    const database = dynamoDb(base, { roles });
    let listening: (endpointUrl: string) => void = () => {};
    const endpoint = new Promise<string>((resolve) => {
      listening = resolve;
    });
    const queues = sqs(base, { roles, endpointUrl: endpoint });
    const functions = lambda(base, {
      endpointUrl: endpoint,
      issuer,
      roles,
      logs: logs.writer,
      readObject: objects.readObject,
      queues: queues.sender,
      messages: queues.reader,
      // Each of the two needs the other one.
      topics: { publish: (...about) => notifications.publisher.publish(...about) },
    });
    const notifications = sns(base, {
      endpointUrl: endpoint,
      roles,
      invoker: functions.invoker,
      queues: queues.sender,
    });
    const iotCore = await iot(base, {
      host,
      credentials: issuer.lookup,
      invoker: functions.invoker,
      roles,
      readObject: objects.readObject,
      ruleTargets: {
        roles,
        invoker: functions.invoker,
        functions: functions.invoker,
        topics: notifications.publisher,
        queues: queues.sender,
        items: database.writer,
        writeObject: objects.writeObject,
        logs: logs.writer,
      },
      defender: { roles, topics: notifications.publisher },
      certificateValidity: options.certificateValidity,
    });
    const iotData = iotDataPlane(base, iotCore);
    const iotJobsData = iotJobsDataPlane(base, iotCore);
    const { objectDigest } = objects;
    const greengrassV2 = greengrass(base, {
      ...{ ...iotCore, roles, issuer, objectDigest },
      endpointUrl: endpoint,
    });
    const plugins: Plugin[] = [
      tokens,
      identities,
      userPools,
      identityPools,
      logs,
      objects,
      queues,
      database,
      functions,
      notifications,
      ecr(base, { endpointUrl: endpoint, roles }),
      cloudFront(base, {
        ...{ endpointUrl: endpoint, roles },
        objects: objects.originObjects,
        requestUrl: functions.requestUrl,
      }),
      iotCore.plugin,
      { services: [iotData, iotJobsData] },
      greengrassV2,
    ];
    const resourceTypes = plugins.flatMap((plugin) => plugin.resourceTypes ?? []);
    plugins.push(
      cloudFormation(base, resourceTypes, { roles }),
      cloudControl(base, resourceTypes, { roles }),
    );
    for (const plugin of plugins) if (plugin.close) closers.push(() => plugin.close?.() ?? Promise.resolve());

    const services = plugins.flatMap((plugin) => plugin.services);
    const handler = front({
      services,
      paths: plugins.flatMap((plugin) => plugin.paths ?? []),
      unsigned: objects.services[0],
      unsignedForms: tokens.services[0],
      credentials: issuer.lookup,
      accountId: base.accountId,
      clock: base.clock,
    });
    const http = await listenHttp(handler, host, wanted.http, iotCore.upgrade);
    closers.push(() => http.close());
    // First of all MQTT's clients are told, also those whose connections end with that of the HTTP front.
    closers.push(() => iotCore.broker.close());
    const devicePorts = await iotCore.listen(wanted, [
      ...IOT_DATA_PATHS.map((prefix) => servicePath(prefix, iotData, base)),
      { ...servicePath('/things/', iotJobsData, base), ...IOT_JOBS_DATA_PATH },
      credentialsProvider({ ...iotCore, issuer, roles }),
      ...greengrassV2.devicePaths,
    ]);
    const endpointUrl = `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
    listening(endpointUrl);
    return {
      ports: { http: http.port, ...devicePorts },
      endpointUrl,
      accountId: base.accountId,
      region: base.region,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
