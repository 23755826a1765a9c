import {
  DescribeComponentCommand,
  type GreengrassV2Client,
  paginateListComponentVersions,
  ResourceNotFoundException,
} from '@aws-sdk/client-greengrassv2';
import { componentTags } from '@mooring/contracts';
import { rcompare, valid } from 'semver';
import type { Target } from '../target.js';

/** That a component version did not run on the devices. */
export interface BrokenMark {
  /** ISO 8601. */
  readonly since: string;
  /** On how many devices it was seen broken when it was marked. */
  readonly devices: number;
}

/** A version of a component as Greengrass keeps it. */
export interface ComponentVersion {
  readonly name: string;
  readonly version: string;
  readonly arn: string;
  /** `DEPLOYABLE` when it can be deployed; `REQUESTED` and `INITIATED` come before, `FAILED` instead. */
  readonly state: string;
  /** What Greengrass says about the state. */
  readonly message: string;
  /** {@link componentTags}: what it was made of, and where its image is. */
  readonly content: string | undefined;
  readonly registry: string | undefined;
  readonly broken: BrokenMark | undefined;
}

/** The component versions of an account, and the public ones of AWS. */
export class Catalogue {
  constructor(
    private readonly greengrass: GreengrassV2Client,
    private readonly target: Pick<Target, 'region'>,
    private readonly account: string,
  ) {}

  /** Numbers of all versions, the newest first; those of AWS's public components when there are no own ones. */
  async versions(name: string): Promise<string[]> {
    const own = await this.#list(this.arn(name));
    return own.length > 0 ? own : this.#list(this.arn(name, undefined, 'aws'));
  }

  /** Numbers of the versions that this account has published, the newest first. */
  async ownVersions(name: string): Promise<string[]> {
    return this.#list(this.arn(name));
  }

  /** One of this account's versions; undefined when there is no such version any more. */
  async describe(name: string, version: string): Promise<ComponentVersion | undefined> {
    const arn = this.arn(name, version);
    try {
      const { status, tags = {} } = await this.greengrass.send(new DescribeComponentCommand({ arn }));
      return {
        name,
        version,
        arn,
        state: status?.componentState ?? 'UNKNOWN',
        message: [status?.message, ...Object.values(status?.errors ?? {})].filter(Boolean).join('; '),
        content: tags[componentTags.content],
        registry: tags[componentTags.registry],
        broken: parseMark(tags[componentTags.broken]),
      };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  /** This account's versions one after the other, the newest first: the caller stops when it knows enough. */
  async *newestFirst(name: string): AsyncGenerator<ComponentVersion> {
    for (const version of await this.ownVersions(name)) {
      const described = await this.describe(name, version);
      if (described) yield described;
    }
  }

  arn(name: string, version?: string, account: string = this.account): string {
    const suffix = version === undefined ? '' : `:versions:${version}`;
    return `arn:aws:greengrass:${this.target.region}:${account}:components:${name}${suffix}`;
  }

  async #list(arn: string): Promise<string[]> {
    const found: string[] = [];
    try {
      for await (const page of paginateListComponentVersions({ client: this.greengrass }, { arn })) {
        for (const { componentVersion } of page.componentVersions ?? []) {
          if (componentVersion !== undefined && valid(componentVersion)) found.push(componentVersion);
        }
      }
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
    return found.sort(rcompare);
  }
}

/** Text of the tag {@link componentTags.broken}: letters, digits and `:.-= ` only, as tags of AWS have them. */
export function markText({ since, devices }: BrokenMark): string {
  return `since=${since} devices=${devices}`;
}

/** A tag of another wording still marks the version: somebody set it by hand. */
export function parseMark(text: string | undefined): BrokenMark | undefined {
  if (text === undefined) return undefined;
  const since = /(?:^| )since=(\S+)/.exec(text)?.[1] ?? '';
  const devices = /(?:^| )devices=(\d+)(?: |$)/.exec(text)?.[1] ?? '0';
  return { since, devices: Number(devices) };
}
