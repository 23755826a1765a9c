import type { Base } from '../../plugin.js';

/** The ARNs of AWS IoT in one account and region (service authorization reference, "Resource types defined by AWS IoT"). */
export interface IotArns {
  /** `resource` is for example `topic/a/b` or `client/x`. */
  of(resource: string): string;
  thing(name: string): string;
  thingType(name: string): string;
  thingGroup(name: string): string;
  certificate(id: string): string;
  policy(name: string): string;
  template(name: string): string;
  roleAlias(name: string): string;
  job(id: string): string;
  jobTemplate(id: string): string;
  /** The resource's type and name when the ARN is one of AWS IoT in this account and region. */
  parse(arn: string): { type: string; name: string } | undefined;
}

export function iotArns({ region, accountId }: Pick<Base, 'region' | 'accountId'>): IotArns {
  const prefix = `arn:aws:iot:${region}:${accountId}:`;
  const of = (resource: string) => prefix + resource;
  return {
    of,
    thing: (name) => of(`thing/${name}`),
    thingType: (name) => of(`thingtype/${name}`),
    thingGroup: (name) => of(`thinggroup/${name}`),
    certificate: (id) => of(`cert/${id}`),
    policy: (name) => of(`policy/${name}`),
    template: (name) => of(`provisioningtemplate/${name}`),
    roleAlias: (name) => of(`rolealias/${name}`),
    job: (id) => of(`job/${id}`),
    jobTemplate: (id) => of(`jobtemplate/${id}`),
    parse(arn) {
      if (!arn.startsWith(prefix)) return undefined;
      const resource = arn.slice(prefix.length);
      const slash = resource.indexOf('/');
      if (slash < 1) return undefined;
      return { type: resource.slice(0, slash), name: resource.slice(slash + 1) };
    },
  };
}
