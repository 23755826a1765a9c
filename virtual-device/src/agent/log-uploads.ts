import { join } from 'node:path';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import { CloudWatchLogs } from '../log-upload/cloudwatch.js';
import { LOG_MANAGER } from '../log-upload/configuration.js';
import { LogUploads } from '../log-upload/log-uploads.js';
import type { DeviceCredentials } from '../tes/device-credentials.js';
import type { AgentContext } from './context.js';

export interface LogUploadParts {
  readonly configurations: ComponentConfigurations;
  readonly credentials: DeviceCredentials;
}

/** Uploads logs for as long as the log manager is deployed, as its configuration has it at that time. */
export function startLogUploads(
  context: AgentContext,
  { configurations, credentials }: LogUploadParts,
): void {
  const { layout, store, clock, logs, onDispose } = context;
  const log = logs.logger('com.aws.greengrass.logmanager.LogManagerService');
  const region = store.current.nucleus.awsRegion ?? '';
  const destination = new CloudWatchLogs({ region, credentials: () => credentials.get(), log });
  const uploads = new LogUploads({
    thingName: store.current.system.thingName,
    region,
    logsFolder: layout.logs,
    positionsFile: join(layout.work(LOG_MANAGER), 'positions.json'),
    configuration: () => configurations.of(LOG_MANAGER),
    destination,
    clock,
    log,
  });
  const unwatch = configurations.watch(LOG_MANAGER, [], () => uploads.configurationChanged());
  onDispose(async () => {
    unwatch();
    await uploads.close();
    await destination.close();
  });
  uploads.start();
}
