import type * as sdk from '@aws-sdk/client-greengrassv2';
import { key, type Store } from '../../../store/store.js';
import type { Tags } from '../../../tags.js';

/** What a deployment is for: a thing, or the things of a group. */
export interface Target {
  readonly type: 'thing' | 'thinggroup';
  readonly name: string;
}

/** A deployment, which is one revision of what its target is to run. Times are milliseconds since 1970. */
export interface DeploymentRecord {
  readonly deploymentId: string;
  /** Grows with every deployment of the account. */
  readonly sequence: number;
  readonly targetArn: string;
  readonly target: Target;
  /** The group whose deployment this one replaces on the things of its own group. */
  readonly parentTargetArn?: string;
  readonly deploymentName?: string;
  /** Counts the deployments to the target. */
  readonly revision: number;
  /** What devices report their state for. */
  readonly configurationArn: string;
  readonly components: Readonly<Record<string, sdk.ComponentDeploymentSpecification>>;
  /** As they were given; what is left out has its default. */
  readonly policies: sdk.DeploymentPolicies;
  readonly jobConfiguration: sdk.DeploymentIoTJobConfiguration;
  /** Of deployments to groups. */
  readonly jobId?: string;
  readonly created: number;
  /** Whether job or shadow were made of it. */
  readonly sent: boolean;
  readonly canceled?: boolean;
  readonly tags: Tags;
}

/** How a deployment went on one device. */
export interface DeviceResult {
  readonly status: string;
  /** `SUCCESSFUL`, `FAILED_ROLLBACK_COMPLETE` … */
  readonly detailedStatus?: string | undefined;
  readonly failureCause?: string | undefined;
  readonly errorStack: readonly string[];
  readonly errorTypes: readonly string[];
  readonly modified: number;
}

/** The deployments, their revisions, and what devices said of them. */
export class DeploymentStore {
  readonly #deployments;
  /** key(target ARN, parent's ARN or nothing) to the id of the newest deployment. */
  readonly #latest;
  /** Target ARN, of subdeployments the parent's, to the last revision; revisions are not used twice. */
  readonly #revisions;
  /** Configuration ARN, and job id, to deployment id. */
  readonly #names;
  /** key(thing, deployment) */
  readonly #results;
  /** key(thing group's ARN, thing): things that have deployed what was for the group. */
  readonly #reached;

  constructor(private readonly store: Store) {
    this.#deployments = store.table<DeploymentRecord>('greengrass.deployments');
    this.#latest = store.table<string>('greengrass.latestDeployments');
    this.#revisions = store.table<number>('greengrass.revisions');
    this.#names = store.table<string>('greengrass.deploymentNames');
    this.#results = store.table<DeviceResult>('greengrass.deploymentResults');
    this.#reached = store.table<true>('greengrass.groupDevices');
  }

  get(deploymentId: string): DeploymentRecord | undefined {
    return this.#deployments.get(deploymentId);
  }

  /** @param name configuration ARN, job id or deployment id, all of which devices call a deployment by. */
  find(name: string): DeploymentRecord | undefined {
    return this.get(this.#names.get(name) ?? name);
  }

  put(record: DeploymentRecord): void {
    this.#deployments.put(record.deploymentId, record);
  }

  /** All deployments, the newest first. */
  list(): DeploymentRecord[] {
    return [...this.#deployments.entries()]
      .map(([, record]) => record)
      .sort((a, b) => b.sequence - a.sequence);
  }

  latest(targetArn: string, parentTargetArn: string | undefined): DeploymentRecord | undefined {
    const id = this.#latest.get(key(targetArn, parentTargetArn ?? ''));
    return id === undefined ? undefined : this.get(id);
  }

  isLatest({ deploymentId, targetArn, parentTargetArn }: DeploymentRecord): boolean {
    return this.#latest.get(key(targetArn, parentTargetArn ?? '')) === deploymentId;
  }

  /**
   * Adds the next revision for a target, as its latest.
   *
   * @param configurationArn makes the ARN of a revision.
   */
  add(
    draft: Omit<DeploymentRecord, 'sequence' | 'revision' | 'configurationArn'>,
    configurationArn: (revision: number) => string,
  ): DeploymentRecord {
    return this.store.transaction(() => {
      const counted = draft.parentTargetArn ?? draft.targetArn;
      const revision = (this.#revisions.get(counted) ?? 0) + 1;
      const sequence = (this.#revisions.get('') ?? 0) + 1;
      const record = { ...draft, sequence, revision, configurationArn: configurationArn(revision) };
      this.#revisions.put(counted, revision);
      this.#revisions.put('', sequence);
      this.put(record);
      this.#names.put(record.configurationArn, record.deploymentId);
      if (record.jobId !== undefined) this.#names.put(record.jobId, record.deploymentId);
      this.#latest.put(key(record.targetArn, record.parentTargetArn ?? ''), record.deploymentId);
      return record;
    });
  }

  /** Forgets a deployment. @param previous becomes the latest of the target when this one was. */
  delete(record: DeploymentRecord, previous?: DeploymentRecord): void {
    this.store.transaction(() => {
      const wasLatest = this.isLatest(record);
      this.#deployments.delete(record.deploymentId);
      this.#names.delete(record.configurationArn);
      if (record.jobId !== undefined) this.#names.delete(record.jobId);
      for (const [name] of [...this.#results.entries()]) {
        if (name.endsWith(key('', record.deploymentId))) this.#results.delete(name);
      }
      if (!wasLatest) return;
      const name = key(record.targetArn, record.parentTargetArn ?? '');
      if (previous) this.#latest.put(name, previous.deploymentId);
      else this.#latest.delete(name);
    });
  }

  /** Notes that a thing has deployed what was for a group; it stays so when the thing leaves the group. */
  reach(thingGroupArn: string, thingName: string): void {
    this.#reached.put(key(thingGroupArn, thingName), true);
  }

  hasReached(thingGroupArn: string, thingName: string): boolean {
    return this.#reached.get(key(thingGroupArn, thingName)) === true;
  }

  result(thingName: string, deploymentId: string): DeviceResult | undefined {
    return this.#results.get(key(thingName, deploymentId));
  }

  putResult(thingName: string, deploymentId: string, result: DeviceResult): void {
    this.#results.put(key(thingName, deploymentId), result);
  }

  deleteResults(thingName: string): void {
    for (const [name] of [...this.#reached.entries()]) {
      if (name.endsWith(key('', thingName))) this.#reached.delete(name);
    }
    for (const [name] of [...this.#results.entries({ prefix: key(thingName, '') })])
      this.#results.delete(name);
  }
}
