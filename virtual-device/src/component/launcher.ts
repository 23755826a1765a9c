import { mkdirSync } from 'node:fs';
import type { Clock } from '../clock.js';
import type { LifecycleState } from '../ipc/capabilities.js';
import type { Layout } from '../layout.js';
import type { GreengrassLogs } from '../log/greengrass-log.js';
import type { LifecycleStep } from '../recipe/lifecycle.js';
import { becomeUser, findPosixUser, giveTo, type PosixUser, userEnvironment } from './posix-user.js';
import type { ProcessGroups } from './process-groups.js';
import { ResourceLimits, type SystemResourceLimits } from './resource-limits.js';
import { type RunningScript, startScript } from './script.js';
import { shouldSkip } from './skip-if.js';

/** As whom, and with how much of the machine, a component runs. */
export interface RunWith {
  /** `user[:group]`. */
  readonly posixUser?: string | undefined;
  readonly systemResourceLimits?: SystemResourceLimits | undefined;
}

export interface LauncherOptions {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly logs: GreengrassLogs;
  readonly groups: ProcessGroups;
  /** What a component's processes find in their environment beside the agent's own. */
  readonly environmentOf: (component: string) => Readonly<Record<string, string>>;
  /** Lets other users than the agent's own reach what components need, before a script runs as one. */
  readonly admitOthers?: () => void;
  /** `runWithDefault` of the nucleus's configuration, as it is now. */
  readonly runWithDefault?: () => RunWith | undefined;
}

/** What a script is started for. */
export interface ScriptOwner {
  readonly name: string;
  readonly version: string;
  readonly state: LifecycleState;
  /** What its deployment says; the nucleus's defaults fill what it leaves open. */
  readonly runWith?: RunWith | undefined;
}

/** Starts components' scripts as their recipe, their deployment and the nucleus's configuration ask. */
export class ScriptLauncher {
  readonly #limits: ResourceLimits;
  /** Components whose folders belong to the user that they run as. */
  readonly #givenTo = new Map<string, string>();
  #saidUnprivileged = false;

  constructor(private readonly options: LauncherOptions) {
    const { layout, logs } = options;
    const log = logs.logger('com.aws.greengrass.Nucleus');
    this.#limits = new ResourceLimits(layout.root, (message) => log('warn', message));
  }

  /**
   * Starts a step's script; its output goes to the component's log.
   *
   * @param cwd the component's work folder unless given
   * @throws DeviceError when it cannot run as the user that is asked for, or its process cannot be recorded
   */
  start(owner: ScriptOwner, step: LifecycleStep, cwd?: string): RunningScript {
    const { layout, logs, groups, clock } = this.options;
    const { name } = owner;
    const work = layout.work(name);
    mkdirSync(work, { recursive: true });
    const runWith = { ...this.options.runWithDefault?.(), ...definedOf(owner.runWith) };
    const user = this.#userOf(owner, step, runWith);
    const fields = () => ({
      scriptName: `services.${name}.${step.scriptName}`,
      serviceName: name,
      currentState: owner.state,
    });
    logs.component(name, {
      level: 'info',
      thread: `${name}-lifecycle`,
      logger: name,
      event: 'shell-runner-start',
      fields: { ...fields(), command: JSON.stringify(step.script) },
    });
    return startScript({
      component: name,
      command: [
        ...this.#joinGroup(name, runWith),
        ...(user ? becomeUser(user) : []),
        '/bin/sh',
        '-c',
        step.script,
      ],
      cwd: cwd ?? work,
      groups,
      clock,
      environment: { ...this.#environment(name), ...(user && userEnvironment(user)), ...step.environment },
      onLine: (stream, line) => {
        logs.component(name, {
          level: stream === 'stdout' ? 'info' : 'warn',
          thread: 'Copier',
          logger: name,
          event: stream,
          message: line.trim(),
          fields: fields(),
        });
      },
    });
  }

  /** Whether a step's `SkipIf` holds. @throws DeviceError RECIPE_INVALID */
  skips({ name }: ScriptOwner, step: LifecycleStep): boolean {
    if (step.skipIf === undefined) return false;
    return shouldSkip(step.skipIf, { ...this.#environment(name), ...step.environment }.PATH);
  }

  #environment(name: string): NodeJS.ProcessEnv {
    return { ...process.env, ...this.options.environmentOf(name) };
  }

  /** The user to become; undefined for the agent's own. */
  #userOf(
    { name, version }: ScriptOwner,
    step: LifecycleStep,
    { posixUser }: RunWith,
  ): PosixUser | undefined {
    const user = posixUser === undefined ? undefined : findPosixUser(posixUser, name);
    // The component's folders are its user's also while a privileged script runs.
    if (user) this.#giveFolders(name, version, user);
    if (!step.requiresPrivilege) return user;
    if (process.getuid?.() !== 0 && !this.#saidUnprivileged) {
      this.#saidUnprivileged = true;
      const log = this.options.logs.logger('com.aws.greengrass.Nucleus');
      log(
        'warn',
        `${name} requires privilege, but the device does not run as root: its scripts run as the device`,
      );
    }
    return undefined;
  }

  #giveFolders(name: string, version: string, user: PosixUser): void {
    const { layout, admitOthers } = this.options;
    admitOthers?.();
    const key = `${version} ${user.uid} ${user.gid}`;
    const isGiven = this.#givenTo.get(name) === key;
    this.#givenTo.set(name, key);
    giveTo(user, layout.work(name), true);
    if (isGiven) return;
    // The folders themselves stay the device's, so that a component cannot change its artifacts' names.
    giveTo(user, layout.artifacts(name, version), false);
    giveTo(user, layout.unarchivedArtifacts(name, version), false);
  }

  #joinGroup(name: string, { systemResourceLimits }: RunWith): string[] {
    const group = this.#limits.groupOf(name, systemResourceLimits);
    return group === undefined ? [] : ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', group];
  }
}

/** Without what is named and left open. */
function definedOf({ posixUser, systemResourceLimits }: RunWith = {}): RunWith {
  return {
    ...(posixUser !== undefined && { posixUser }),
    ...(systemResourceLimits !== undefined && { systemResourceLimits }),
  };
}
