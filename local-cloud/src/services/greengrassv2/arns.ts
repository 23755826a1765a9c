import { patternViolation } from '../../constraints.js';
import type { Base } from '../../plugin.js';
import { invalid } from './errors.js';

/** Who published a component: this account, or AWS for everybody. */
export type Owner = 'account' | 'aws';

/** A resource that an ARN of AWS IoT Greengrass names. */
export type GreengrassResource =
  | {
      readonly type: 'component';
      readonly owner: Owner;
      readonly name: string;
      readonly version: string | undefined;
    }
  | { readonly type: 'deployment'; readonly id: string }
  | { readonly type: 'coreDevice'; readonly thingName: string };

/** The ARNs of one account and region (service authorization reference, AWS IoT Greengrass V2). */
export interface GreengrassArns {
  component(owner: Owner, name: string): string;
  componentVersion(owner: Owner, name: string, version: string): string;
  deployment(id: string): string;
  coreDevice(thingName: string): string;
  /** Of AWS IoT. */
  thingGroup(name: string): string;
  connectivityInfo(thingName: string): string;
  /** What a device reports its state for: `configuration:thinggroup/fleet:3`. */
  configuration(target: string, revision: number): string;
  /** Undefined when it is none of this account and region, nor of AWS's public components. */
  parse(arn: string): GreengrassResource | undefined;
}

const COMPONENT = /^components:([^:]+)(?::versions:([^:]+))?$/;

export function greengrassArns({ region, accountId }: Pick<Base, 'region' | 'accountId'>): GreengrassArns {
  const prefix = `arn:aws:greengrass:${region}:`;
  const own = `${prefix}${accountId}:`;
  const component = (owner: Owner, name: string) =>
    `${owner === 'aws' ? `${prefix}aws:` : own}components:${name}`;
  return {
    component,
    componentVersion: (owner, name, version) => `${component(owner, name)}:versions:${version}`,
    deployment: (id) => `${own}deployments:${id}`,
    coreDevice: (thingName) => `${own}coreDevices:${thingName}`,
    thingGroup: (name) => `arn:aws:iot:${region}:${accountId}:thinggroup/${name}`,
    connectivityInfo: (thingName) => `${own}/greengrass/things/${thingName}/connectivityInfo`,
    configuration: (target, revision) => `${own}configuration:${target}:${revision}`,
    parse(arn) {
      if (!arn.startsWith(prefix)) return undefined;
      const [account = ''] = arn.slice(prefix.length).split(':', 1);
      const resource = arn.slice(prefix.length + account.length + 1);
      if (account !== accountId && account !== 'aws') return undefined;
      const [, name, version] = COMPONENT.exec(resource) ?? [];
      if (name !== undefined) {
        return { type: 'component', owner: account === 'aws' ? 'aws' : 'account', name, version };
      }
      const colon = resource.indexOf(':');
      const rest = resource.slice(colon + 1);
      if (account === 'aws' || colon < 0 || rest === '') return undefined;
      if (resource.startsWith('deployments:')) return { type: 'deployment', id: rest };
      if (resource.startsWith('coreDevices:')) return { type: 'coreDevice', thingName: rest };
      return undefined;
    },
  };
}

const VERSION_PATTERN = 'arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:[^:]+:versions:[^:]+';
const COMPONENT_PATTERN = 'arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:[^:]+';

/** @throws ValidationException unless the text has the form of a component version's ARN. */
export function checkVersionArn(arn: string): void {
  checkPattern(arn, VERSION_PATTERN);
}

/** @throws ValidationException unless the text has the form of a component's ARN. */
export function checkComponentArn(arn: string): void {
  checkPattern(arn, COMPONENT_PATTERN);
}

function checkPattern(arn: string, pattern: string): void {
  if (!new RegExp(`^${pattern}$`).test(arn)) throw invalid(patternViolation(arn, 'arn', pattern));
}
