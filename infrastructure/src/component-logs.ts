import { componentNames, logGroups } from '@mooring/contracts';
import { LogGroup } from '@pulumi/aws-native/logs/index.js';
import type { Place } from './place.js';

/** The groups that devices upload their logs to. The devices would make them too, to be kept for ever. */
export function componentLogs(place: Place, retentionInDays: number): LogGroup[] {
  const components = Object.values(componentNames).map((name) => ({
    name: name.replaceAll('_', '-'),
    logGroupName: logGroups.component(place.region, name),
  }));
  return [{ name: 'greengrass', logGroupName: logGroups.system(place.region) }, ...components].map(
    ({ name, logGroupName }) => new LogGroup(`${name}-device-logs`, { logGroupName, retentionInDays }),
  );
}
