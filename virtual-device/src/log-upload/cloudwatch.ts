import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DeviceError, messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import type { AwsCredentials } from '../tes/device-credentials.js';
import type { LogEvent } from './events.js';
import type { LogDestination } from './upload.js';

export interface CloudWatchLogsOptions {
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly log: Log;
}

/** Milliseconds. */
const CONNECT_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;

type Sdk = typeof import('@aws-sdk/client-cloudwatch-logs');

/**
 * CloudWatch Logs as a destination, with the device's credentials; as every AWS SDK it finds another endpoint
 * in `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS` or `AWS_ENDPOINT_URL`. The SDK is loaded when something is to be put.
 */
export class CloudWatchLogs implements LogDestination {
  #loaded: Promise<{ sdk: Sdk; client: CloudWatchLogsClient }> | undefined;

  constructor(private readonly options: CloudWatchLogsOptions) {}

  async put(group: string, stream: string, events: readonly LogEvent[], signal: AbortSignal): Promise<void> {
    const { sdk, client } = await this.#load();
    const request = new sdk.PutLogEventsCommand({
      logGroupName: group,
      logStreamName: stream,
      logEvents: [...events],
    });
    try {
      const put = () => client.send(request, { abortSignal: signal });
      const { rejectedLogEventsInfo } = await put().catch(async (error: unknown) => {
        if (!(error instanceof sdk.ResourceNotFoundException)) throw error;
        await this.#create(group, stream, signal);
        return await put();
      });
      if (rejectedLogEventsInfo) {
        this.options.log(
          'warn',
          `CloudWatch Logs left out events of ${group}, whose times are too old or too new: ${JSON.stringify(rejectedLogEventsInfo)}`,
        );
      }
    } catch (error) {
      if (error instanceof sdk.DataAlreadyAcceptedException) return;
      if (!(error instanceof sdk.InvalidParameterException)) throw error;
      throw new DeviceError(
        'REQUEST_REFUSED',
        `CloudWatch Logs refuses them for ${group}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Ends connections that are kept for later. */
  async close(): Promise<void> {
    const loaded = await this.#loaded?.catch(() => undefined);
    loaded?.client.destroy();
  }

  #load(): Promise<{ sdk: Sdk; client: CloudWatchLogsClient }> {
    if (this.options.region === '') {
      const key = 'services.aws.greengrass.Nucleus.configuration.awsRegion';
      return Promise.reject(new DeviceError('CONFIG_INVALID', `${key} is missing.`));
    }
    this.#loaded ??= import('@aws-sdk/client-cloudwatch-logs').then((sdk) => ({
      sdk,
      client: new sdk.CloudWatchLogsClient({
        region: this.options.region,
        credentials: this.options.credentials,
        requestHandler: { connectionTimeout: CONNECT_TIMEOUT, requestTimeout: REQUEST_TIMEOUT },
      }),
    }));
    return this.#loaded;
  }

  async #create(group: string, stream: string, signal: AbortSignal): Promise<void> {
    const { sdk, client } = await this.#load();
    const unlessThere = (error: unknown) => {
      if (!(error instanceof sdk.ResourceAlreadyExistsException)) throw error;
    };
    await client
      .send(new sdk.CreateLogGroupCommand({ logGroupName: group }), { abortSignal: signal })
      .catch(unlessThere);
    await client
      .send(new sdk.CreateLogStreamCommand({ logGroupName: group, logStreamName: stream }), {
        abortSignal: signal,
      })
      .catch(unlessThere);
  }
}
