import type { Authorizer, Client, ConnectDecision, ConnectRequest } from '../../../mqtt/index.js';
import { identityContext } from '../../../request-context.js';
import type { RoleAuthority } from '../../iam/role-authority.js';
import type { IotArns } from '../arns.js';
import type { Changes, Subject } from '../changes.js';
import type { Peer } from '../devices/peer.js';
import type { ConditionKeys } from '../policy/conditions.js';
import type { Decide, Decision } from '../policy/evaluate.js';
import type { PermissionSource } from './permissions.js';

/** Decisions that are remembered for a connection. */
const REMEMBERED = 1000;

interface ConnectionState {
  readonly decide: Decide;
  readonly decisions: Map<string, boolean>;
}

/**
 * AWS IoT's policies as the broker asks for them. What a connection may do is compiled once and its decisions are
 * remembered, until something changes that they hang on.
 */
export class PolicyAuthorizer implements Authorizer<Peer> {
  readonly #states = new WeakMap<Client<Peer>, ConnectionState>();
  /** Connections by what their decisions hang on. */
  readonly #dependents = new Map<Subject, Set<Client<Peer>>>();
  readonly #subjects = new WeakMap<Client<Peer>, ReadonlySet<Subject>>();

  constructor(
    changes: Changes,
    private readonly arns: IotArns,
    private readonly source: PermissionSource,
    private readonly roles: RoleAuthority | undefined,
  ) {
    changes.listen((subjects) => {
      source.forget(subjects);
      for (const subject of subjects) {
        for (const client of this.#dependents.get(subject) ?? []) this.forget(client);
      }
    });
  }

  connect(request: ConnectRequest<Peer>): ConnectDecision {
    const decide = this.#decide(request.peer, request.clientId);
    const attributes = [request.persistent && 'PersistentConnect', request.will && 'LastWill'].filter(
      (attribute) => typeof attribute === 'string',
    );
    const keys: ConditionKeys = (name) =>
      name === 'iot:ConnectAttributes' && attributes.length > 0 ? attributes : undefined;
    const wanted: (readonly [action: string, resource: string])[] = [
      ['iot:Connect', `client/${request.clientId}`],
    ];
    if (request.will) {
      wanted.push(['iot:Publish', `topic/${request.will.topic}`]);
      if (request.will.retain) wanted.push(['iot:RetainPublish', `topic/${request.will.topic}`]);
    }
    for (const [action, resource] of wanted) {
      const decision = decide(action, this.arns.of(resource), keys);
      if (decision === 'allowed') continue;
      return {
        allowed: false,
        reason: 'not-authorized',
        because: `${action} on ${resource} is ${WORDS[decision]} for ${request.peer.principal.arn}`,
      };
    }
    return { allowed: true };
  }

  publish(client: Client<Peer>, topic: string, retain: boolean): boolean {
    const resource = `topic/${topic}`;
    return (
      this.#allowed(client, 'iot:Publish', resource) &&
      (!retain || this.#allowed(client, 'iot:RetainPublish', resource))
    );
  }

  subscribe(client: Client<Peer>, filter: string): boolean {
    return this.#allowed(client, 'iot:Subscribe', `topicfilter/${filter}`);
  }

  receive(client: Client<Peer>, topic: string): boolean {
    return this.#allowed(client, 'iot:Receive', `topic/${topic}`);
  }

  /** Forgets what is remembered of a connection, when it has ended or its permissions changed. */
  forget(client: Client<Peer>): void {
    for (const subject of this.#subjects.get(client) ?? []) {
      const dependents = this.#dependents.get(subject);
      dependents?.delete(client);
      if (dependents?.size === 0) this.#dependents.delete(subject);
    }
    this.#states.delete(client);
    this.#subjects.delete(client);
  }

  #allowed(client: Client<Peer>, action: string, resource: string): boolean {
    const { principal } = client.peer;
    if (principal.kind === 'account') return true;
    let state = this.#states.get(client);
    if (!state) {
      state = { decide: this.#decide(client.peer, client.clientId, client), decisions: new Map() };
      this.#states.set(client, state);
    }
    const question = `${action} ${resource}`;
    let allowed = state.decisions.get(question);
    if (allowed === undefined) {
      allowed = state.decide(action, this.arns.of(resource)) === 'allowed';
      if (state.decisions.size >= REMEMBERED) state.decisions.clear();
      state.decisions.set(question, allowed);
    }
    return allowed;
  }

  #decide({ principal, sourceIp, domainName }: Peer, clientId: string, client?: Client<Peer>): Decide {
    switch (principal.kind) {
      case 'account':
        return () => 'allowed';
      case 'role': {
        const { roleName, identity } = principal;
        const context = new Map([['aws:sourceip', sourceIp], ...identityContext(principal)]);
        const ofRole: Decide = (action, resource) =>
          this.roles?.decide(roleName, { action, resource, context }) ?? 'implicitDeny';
        if (!identity?.authenticated) return ofRole;
        const own = this.source.ofIdentity(identity.identityId, { clientId, sourceIp, domainName });
        if (client) this.#dependOn(client, own.subjects);
        return (action, resource, keys) => {
          const decision = ofRole(action, resource, keys);
          return decision === 'allowed' ? own.decide(action, resource, keys) : decision;
        };
      }
      case 'anonymous':
        return () => 'implicitDeny';
      case 'certificate': {
        const { certificateId } = principal;
        const { decide, subjects } = this.source.of({ certificateId, clientId, sourceIp, domainName });
        if (client) this.#dependOn(client, subjects);
        return decide;
      }
    }
  }

  #dependOn(client: Client<Peer>, subjects: ReadonlySet<Subject>): void {
    this.#subjects.set(client, subjects);
    for (const subject of subjects) {
      const dependents = this.#dependents.get(subject) ?? new Set();
      dependents.add(client);
      this.#dependents.set(subject, dependents);
    }
  }
}

const WORDS: Readonly<Record<Decision, string>> = {
  allowed: 'allowed',
  explicitDeny: 'explicitly denied',
  implicitDeny: 'not allowed by any policy',
};
