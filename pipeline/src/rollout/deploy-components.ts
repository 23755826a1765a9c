import { setTimeout as delay } from 'node:timers/promises';
import { CancelDeploymentCommand, GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import { componentNames } from '@mooring/contracts';
import { type BrokenVersion, brokenVersions, connectivity, failureReason } from '@mooring/functions/devices';
import { compare } from 'semver';
import { Catalogue } from '../components/catalogue.js';
import { MooringError } from '../errors.js';
import { fleetGroupArn, thingsOfFleet } from '../fleet/things.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { markBroken } from './broken.js';
import { type ConfigurationChanges, compose, versionsOf } from './composition.js';
import type { DeclaredComponent } from './configuration.js';
import { correct, type TakenBack } from './correction.js';
import {
  createRevision,
  type DeployedComponent,
  type DeployedComponents,
  deploymentInForce,
  type Revision,
  sameDeployment,
} from './deployment.js';
import { rolloutCounts, viewRollout } from './executions.js';
import { defaultWave, MAXIMUM_WAVE, type RolloutPlan } from './rollout-plan.js';
import { type Candidate, type Choice, chooseVersions, isBrokenForFleet } from './version-choice.js';
import { type Watched, watchRollout } from './watch.js';

export interface DeployComponentsOptions extends ConfigurationChanges {
  /** Components to bring to their newest version, the others staying as they are; all when it is empty. */
  readonly only: readonly string[];
  readonly without: readonly string[];
  /** As `deployment.yaml` has it. */
  readonly declared: Readonly<Record<string, DeclaredComponent>>;
  /** Devices of the first wave; by default {@link defaultWave}. */
  readonly wave?: number;
  /** Percent of failed devices at which a version counts as broken, and a rollout stops. */
  readonly failureThreshold: number;
  readonly wait: boolean;
  /** Seconds to wait for the devices. */
  readonly timeout: number;
  /** Seconds for which what was deployed has to run before it counts as good. */
  readonly settle: number;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A component in a deployment and in the one before. */
export interface ComponentChange extends Choice {
  readonly before: string | undefined;
  /** Whether its configuration is another now. */
  readonly configured: boolean;
}

/** What a rollout came to. */
export interface Rollout extends Watched {
  /** What it brought to the devices and is broken there. */
  readonly broken: readonly (BrokenVersion & { readonly heldBack: boolean })[];
}

export interface ComponentsDeployment {
  readonly revision: Revision;
  /** False when the deployment in force was this one already. */
  readonly changed: boolean;
  readonly components: readonly ComponentChange[];
  readonly fleetSize: number;
  /** Undefined when nobody waited for it. */
  readonly rollout: Rollout | undefined;
  /** The revision that took broken components back, if there had to be one. */
  readonly correction:
    | {
        readonly revision: Revision;
        readonly takenBack: readonly TakenBack[];
        readonly rollout: Rollout;
      }
    | undefined;
}

/** Milliseconds between two looks at a rollout: on this machine, and at AWS, which limits them. */
const INTERVAL = { local: 300, aws: 2000 } as const;
/** How often it is looked for what broke a deployment that failed: devices report both one after the other. */
const BROKEN_LOOKS = 10;

/**
 * Deploys the components to the fleet, and sees to it that a version that does not run goes no further.
 *
 * @throws MooringError when nothing is published, or something that is asked for cannot be deployed.
 */
export async function deployComponents(
  target: Target,
  options: DeployComponentsOptions,
): Promise<ComponentsDeployment> {
  const greengrass = new GreengrassV2Client(clientConfig(target));
  const iot = new IoTClient(clientConfig(target));
  try {
    const account = await accountOf(target);
    const catalogue = new Catalogue(greengrass, target, account);
    const groupArn = fleetGroupArn(target, account);
    const interval = target.endpoint === undefined ? INTERVAL.aws : INTERVAL.local;
    return await new FleetDeployment(greengrass, iot, catalogue, groupArn, interval, options).run();
  } finally {
    greengrass.destroy();
    iot.destroy();
  }
}

class FleetDeployment {
  readonly #own: readonly string[] = Object.values(componentNames);

  constructor(
    private readonly greengrass: GreengrassV2Client,
    private readonly iot: IoTClient,
    private readonly catalogue: Catalogue,
    private readonly groupArn: string,
    private readonly interval: number,
    private readonly options: DeployComponentsOptions,
  ) {}

  async run(): Promise<ComponentsDeployment> {
    const { options } = this;
    const [things, inForce] = await Promise.all([
      thingsOfFleet(this.iot),
      deploymentInForce(this.greengrass, this.groupArn),
    ]);
    const fleetSize = things.length;
    const plan: RolloutPlan = {
      wave: options.wave ?? defaultWave(fleetSize),
      failureThreshold: options.failureThreshold,
      fleetSize,
    };
    if (inForce) await this.#judge(inForce, inForce.components, fleetSize);
    const { choices, versions } = await this.#choose(inForce?.components ?? {});
    const composed = compose(versions, inForce?.components ?? {}, options.declared, options);
    const components = changesOf(choices, composed, inForce?.components ?? {});
    if (inForce?.status === 'ACTIVE' && sameDeployment(composed, inForce.components)) {
      return {
        revision: inForce,
        changed: false,
        components,
        fleetSize,
        rollout: undefined,
        correction: undefined,
      };
    }
    const revision = await createRevision(this.greengrass, this.groupArn, composed, plan);
    const done = { revision, changed: true, components, fleetSize };
    if (!options.wait || fleetSize === 0) return { ...done, rollout: undefined, correction: undefined };
    options.onProgress(`Revision ${revision.revision} for ${fleetSize} device${fleetSize === 1 ? '' : 's'}`);
    const rollout = await this.#watch(revision, things, plan);
    return { ...done, rollout, correction: await this.#correct(revision, rollout, things, plan) };
  }

  /** Chooses what to deploy, of the fleet's own components and of AWS's. */
  async #choose(
    inForce: DeployedComponents,
  ): Promise<{ choices: readonly Choice[]; versions: Record<string, string> }> {
    const { only, without, declared } = this.options;
    const published: Record<string, readonly Candidate[]> = {};
    await Promise.all(
      this.#own.map(async (name) => {
        const candidates = await this.#candidates(name, inForce[name]?.version);
        if (candidates.length > 0) published[name] = candidates;
      }),
    );
    const foreign = (name: string) => !this.#own.includes(name);
    for (const name of only) {
      if (Object.hasOwn(published, name) || (foreign(name) && Object.hasOwn(declared, name))) continue;
      throw new MooringError(
        'NotPublished',
        `${name} cannot be deployed, as no version of it is published: run \`mooring components publish\`, or name one of ${[...Object.keys(published), ...Object.keys(declared).filter(foreign)].join(', ') || 'none'}`,
      );
    }
    if (Object.keys(published).length === 0) {
      throw new MooringError(
        'NothingPublished',
        'There is nothing to deploy, as no component is published: run `mooring components publish` first',
      );
    }
    const deployed = Object.fromEntries(
      Object.entries(inForce).map(([name, { version }]) => [name, version]),
    );
    const choices = chooseVersions({ published, deployed, only, without });
    const versions = versionsOf(choices);
    for (const name of Object.keys(only.length > 0 ? { ...inForce } : declared).concat(only)) {
      if (!foreign(name) || without.includes(name)) continue;
      const stays = only.length > 0 && !only.includes(name) ? inForce[name]?.version : undefined;
      versions[name] = stays ?? (await this.#foreignVersion(name));
    }
    return { choices, versions };
  }

  async #foreignVersion(name: string): Promise<string> {
    const version = this.options.declared[name]?.version ?? (await this.catalogue.versions(name))[0];
    if (version !== undefined) return version;
    throw new MooringError(
      'NoSuchComponent',
      `${name} cannot be deployed: neither this account nor AWS has a component of that name`,
    );
  }

  /** The versions that can be deployed, the newest first, down to a good one that is no newer than `upTo`. */
  async #candidates(name: string, upTo: string | undefined): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for await (const { version, state, broken } of this.catalogue.newestFirst(name)) {
      if (state !== 'DEPLOYABLE') continue;
      candidates.push({ version, broken: broken !== undefined });
      if (broken === undefined && (upTo === undefined || compare(version, upTo) <= 0)) break;
    }
    return candidates;
  }

  /**
   * Finds what is broken on the devices, and marks what is broken for the fleet.
   *
   * @param components what to look for.
   */
  async #judge(
    revision: Revision,
    components: DeployedComponents,
    fleetSize: number,
  ): Promise<Rollout['broken']> {
    const found = await brokenVersions(this.greengrass, new Set(await thingsOfFleet(this.iot)));
    const { succeeded = 0, failed = 0 } =
      found.length > 0 ? await rolloutCounts(this.iot, revision.jobId) : {};
    const tried = succeeded + failed;
    const judged: (BrokenVersion & { heldBack: boolean })[] = [];
    for (const broken of found) {
      if (!this.#own.includes(broken.name)) continue;
      const isCurrent = components[broken.name]?.version === broken.version;
      const described = await this.catalogue.describe(broken.name, broken.version);
      let heldBack = described?.broken !== undefined;
      const devices = isCurrent && tried > 0 ? tried : fleetSize;
      if (
        described !== undefined &&
        !heldBack &&
        isBrokenForFleet(broken.devices.length, devices, this.options.failureThreshold)
      ) {
        await markBroken(this.greengrass, described, broken);
        this.options.onProgress(
          `${broken.name} ${broken.version} is broken on ${devicesText(broken)}: it is held back from now on`,
        );
        heldBack = true;
      }
      if (isCurrent) judged.push({ ...broken, heldBack });
    }
    return judged;
  }

  async #watch(revision: Revision, things: readonly string[], plan: RolloutPlan): Promise<Rollout> {
    const { signal, timeout, settle, onProgress } = this.options;
    const pause = () => delay(this.interval, undefined, signal && { signal });
    const watched = await watchRollout({
      plan,
      observe: () => viewRollout(this.iot, revision.jobId, things),
      brokenOn: () => this.#brokenOn(revision),
      isOffline: async (thing) => (await connectivity(this.iot, thing)).connected === false,
      reason: (thing) => failureReason(this.iot, revision.jobId, thing),
      onProgress,
      timeout,
      settle,
      now: () => performance.now(),
      pause,
    });
    let broken = await this.#judge(revision, revision.components, plan.fleetSize);
    for (let look = 1; look < BROKEN_LOOKS && broken.length === 0 && watched.failed.length > 0; look += 1) {
      await pause();
      broken = await this.#judge(revision, revision.components, plan.fleetSize);
    }
    return { ...watched, broken };
  }

  /** Things on which a component is broken as this revision has it. */
  async #brokenOn({ components }: Revision): Promise<string[]> {
    const found = await brokenVersions(this.greengrass, new Set(await thingsOfFleet(this.iot)));
    const current = found.filter(({ name, version }) => components[name]?.version === version);
    return [...new Set(current.flatMap(({ devices }) => devices.map(({ thing }) => thing)))];
  }

  /** Takes back what turned out to be broken, if anything, and waits for that too. */
  async #correct(
    revision: Revision,
    rollout: Rollout,
    things: readonly string[],
    plan: RolloutPlan,
  ): Promise<ComponentsDeployment['correction']> {
    const broken = rollout.broken.filter(({ heldBack }) => heldBack).map(({ name }) => name);
    const candidates: Record<string, readonly Candidate[]> = {};
    for (const name of broken) {
      candidates[name] = await this.#candidates(name, revision.components[name]?.version);
    }
    const hasOthers = rollout.end === 'stopped' || rollout.end === 'failing';
    const { components, takenBack } = correct(revision.components, broken, candidates, hasOthers);
    if (takenBack.length === 0) {
      if (rollout.end === 'failing') await this.#stop(revision);
      return undefined;
    }
    for (const { name, from, to } of takenBack) {
      this.options.onProgress(
        to === undefined
          ? `${name} ${from} is taken back: it is left out, as it has no good version`
          : `${name} ${from} is taken back: the devices get ${to} again`,
      );
    }
    // What is left in it has run on the first wave, so it begins with what would have been the second.
    const second = { ...plan, wave: Math.min(2 * plan.wave, MAXIMUM_WAVE) };
    const corrected = await createRevision(this.greengrass, this.groupArn, components, second);
    return { revision: corrected, takenBack, rollout: await this.#watch(corrected, things, second) };
  }

  /** Keeps a deployment that fails for reasons unknown from the devices that have not got it. */
  async #stop({ deploymentId, revision }: Revision): Promise<void> {
    await this.greengrass.send(new CancelDeploymentCommand({ deploymentId }));
    this.options.onProgress(
      `Revision ${revision} is stopped: too many devices failed, and none names a component that is broken`,
    );
  }
}

function changesOf(
  choices: readonly Choice[],
  composed: DeployedComponents,
  inForce: DeployedComponents,
): ComponentChange[] {
  const heldBack = new Map(choices.map((choice) => [choice.name, choice.heldBack]));
  const all = new Set([...Object.keys(composed), ...Object.keys(inForce), ...heldBack.keys()]);
  return [...all].sort().map((name) => ({
    name,
    version: composed[name]?.version,
    before: inForce[name]?.version,
    configured: isConfigured(composed[name], inForce[name]),
    heldBack: heldBack.get(name) ?? [],
  }));
}

/** Whether a component that stays gets another configuration. */
function isConfigured(now: DeployedComponent | undefined, before: DeployedComponent | undefined): boolean {
  if (now === undefined || before === undefined) return false;
  return !sameDeployment({ it: now }, { it: { ...before, version: now.version } });
}

/** `2 devices (a, b)` */
export function devicesText({ devices }: Pick<BrokenVersion, 'devices'>): string {
  const shown = devices.slice(0, 3).map(({ thing }) => thing);
  const more = devices.length > shown.length ? ', …' : '';
  return `${devices.length} device${devices.length === 1 ? '' : 's'} (${shown.join(', ')}${more})`;
}
