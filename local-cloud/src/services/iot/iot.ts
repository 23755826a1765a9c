import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-iot';
import { roleAuthorization } from '../../authorization.js';
import type { UpgradeHandler } from '../../http/listener.js';
import type { CredentialsLookup } from '../../http/sigv4.js';
import { type Broker, createBroker } from '../../mqtt/index.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { FunctionInvoker } from '../lambda/invoker.js';
import type { ObjectReader } from '../s3/object-reader.js';
import { type IotArns, iotArns } from './arns.js';
import { deviceDefenderAudit } from './audit/audit.js';
import type { TopicPublisher } from './audit/notices.js';
import type { AuditRoles } from './audit/roles.js';
import { PolicyAuthorizer } from './authorization/authorizer.js';
import { controlPlanePermission } from './authorization/control-plane.js';
import { type DeviceAccess, deviceAccess } from './authorization/device-access.js';
import { PermissionSource } from './authorization/permissions.js';
import { CertificateValidity } from './certificate-validity.js';
import { Changes } from './changes.js';
import { type DevicePath, listenDeviceHttps } from './devices/https-listener.js';
import { identifyByCertificate } from './devices/identity.js';
import { lifecycle } from './devices/lifecycle.js';
import { listenMqtt } from './devices/mqtt-listener.js';
import type { Peer } from './devices/peer.js';
import { ServerTls } from './devices/server-tls.js';
import { ThingTopics } from './devices/thing-topics.js';
import { mqttOverWebSocket } from './devices/websocket.js';
import { fleetIndex } from './fleet-index/fleet-index.js';
import { DeviceJobs } from './jobs/device-jobs.js';
import type { JobEngine } from './jobs/engine.js';
import { executionOperations } from './jobs/execution-operations.js';
import { jobOperations } from './jobs/job-operations.js';
import { jobTemplates as templatesOfJobs } from './jobs/job-templates.js';
import { Jobs } from './jobs/jobs.js';
import { serveJobs } from './jobs/mqtt-api.js';
import { logBroker } from './logging/broker-log.js';
import { logging } from './logging/logging.js';
import { openCertificateAuthority, serverNames } from './pki.js';
import { FleetProvisioning } from './provisioning/fleet-provisioning.js';
import { serveFleetProvisioning } from './provisioning/mqtt-api.js';
import { OwnershipTokens } from './provisioning/ownership-tokens.js';
import { Registrar } from './provisioning/registrar.js';
import { templates as templateRegistry } from './provisioning/templates.js';
import { accountSettings, type Endpoints } from './registry/account-settings.js';
import { certificates as certificateRegistry } from './registry/certificates.js';
import { policies as policyRegistry } from './registry/policies.js';
import { policyAttachments } from './registry/policy-attachments.js';
import { registryEvents } from './registry/registry-events.js';
import { roleAliases } from './registry/role-aliases.js';
import { tagging } from './registry/tags.js';
import { thingGroups } from './registry/thing-groups.js';
import { thingPrincipals as thingPrincipalRegistry } from './registry/thing-principals.js';
import { thingRegistration } from './registry/thing-registration.js';
import { thingTypes } from './registry/thing-types.js';
import { things as thingRegistry } from './registry/things.js';
import { identityResourceTypes } from './resources/identity-resources.js';
import { ResourceTags } from './resources/property-values.js';
import { thingResourceTypes } from './resources/thing-resources.js';
import { RulesEngine } from './rules/engine.js';
import { PendingRuns } from './rules/pending-runs.js';
import { RuleLog } from './rules/rule-log.js';
import { ruleOperations } from './rules/rule-operations.js';
import { topicRuleType } from './rules/rule-resource.js';
import { Runner } from './rules/runner.js';
import type { RuleTargets } from './rules/targets.js';
import { TopicRules } from './rules/topic-rules.js';
import { serveShadows } from './shadows/mqtt-api.js';
import { ShadowService } from './shadows/shadow-service.js';
import { openTables, type RoleAliasRecord } from './tables.js';

/** What AWS IoT needs of the rest of the local cloud. */
export interface IotCapabilities {
  /** Address of the device listeners. */
  readonly host: string;
  readonly credentials: CredentialsLookup;
  /** Runs pre-provisioning hooks; without it every hook refuses. */
  readonly invoker?: FunctionInvoker | undefined;
  /** Reads job documents that are in S3; without it they have to be given themselves. */
  readonly readObject?: ObjectReader | undefined;
  /** Decides for sessions of roles; without it they may do nothing over MQTT. */
  readonly roles?: RoleAuthority | undefined;
  /** What the actions of topic rules work with. */
  readonly ruleTargets?: RuleTargets | undefined;
  /** What Device Defender audits and notifies with; without it no role of its exists. */
  readonly defender?: { readonly roles: AuditRoles; readonly topics: TopicPublisher } | undefined;
  /** Of device certificates that are made, such as `20d`; without it as AWS IoT's, to the end of 2049. */
  readonly certificateValidity?: string | undefined;
}

/** AWS IoT: the control plane, and what other services build on. */
export interface Iot {
  readonly plugin: Plugin;
  readonly arns: IotArns;
  readonly broker: Broker<Peer>;
  readonly access: DeviceAccess;
  readonly registry: IotRegistry;
  /** What devices publish below `$aws/things/{thing}/`. */
  readonly thingTopics: ThingTopics;
  readonly shadows: ShadowService;
  readonly jobs: JobEngine;
  /** Runs the rules that Basic Ingest topics name. */
  readonly rules: Pick<RulesEngine, 'ingest'>;
  /** What devices may ask of their jobs. */
  readonly deviceJobs: DeviceJobs;
  /** MQTT over WebSocket, for the HTTP front. */
  readonly upgrade: UpgradeHandler;
  /** Starts the device listeners; port 0 takes any free one. */
  listen(
    ports: { mqtt: number; https: number },
    paths: readonly DevicePath[],
  ): Promise<{ mqtt: number; https: number }>;
}

/** What other services may know of things. */
export interface IotRegistry {
  thingExists(thingName: string): boolean;
  isAttached(thingName: string, certificateArn: string): boolean;
  /** Names of the groups that a thing is in itself. */
  groupsOf(thingName: string): string[];
  thingGroupExists(thingGroupName: string): boolean;
  /** Names of the groups above a group, the root first. */
  groupsAbove(thingGroupName: string): string[];
  roleAlias(name: string): Readonly<RoleAliasRecord> | undefined;
}

/** Opens AWS IoT with the state that the store has. */
export async function iot(base: Base, capabilities: IotCapabilities): Promise<Iot> {
  const { store, clock, log, accountId, region } = base;
  const { host, roles } = capabilities;
  const failed = (error: unknown) =>
    log('error', 'AWS IoT failed at something in the background', { error: String(error) });
  const tables = openTables(store);
  const changes = new Changes(store);
  const arns = iotArns(base);
  const validity = new CertificateValidity(clock, capabilities.certificateValidity);
  const authority = await openCertificateAuthority(store, clock, () => validity.end());
  writeFileSync(join(base.stateDirectory, 'root-ca.pem'), authority.rootPem);

  let endpoints: Endpoints = { host, mqttPort: 0, httpsPort: 0 };
  const settings = accountSettings(tables, () => endpoints);
  const events = registryEvents({
    ...{ changes, clock, accountId },
    isEnabled: settings.isEventEnabled,
    publish: (topic, event) => {
      broker.publish({ topic, payload: Buffer.from(JSON.stringify(event)), qos: 1 }).catch(failed);
    },
  });
  const things = thingRegistry(tables, changes, arns, events);
  const types = thingTypes(tables, changes, arns, clock);
  const groups = thingGroups(tables, changes, arns, clock);
  const certificates = certificateRegistry(tables, changes, arns, clock, authority);
  const policies = policyRegistry(tables, changes, arns, clock);
  const attachments = policyAttachments(tables, changes, arns, { policies, certificates, groups });
  const thingPrincipals = thingPrincipalRegistry(tables, changes, arns, { things, certificates });
  const templates = templateRegistry(tables, changes, arns, clock);
  const registry = { things, groups, certificates, policies, attachments, thingPrincipals };
  const aliases = roleAliases(tables, changes, arns, clock, accountId);
  const registrar = new Registrar(tables, changes, arns, authority, registry);

  const ruleTargets = capabilities.ruleTargets ?? {};
  const logs = logging(base, tables, ruleTargets, ({ principalId = '', clientId = '' }) => {
    const thing = thingPrincipals.thingOf(arns.certificate(principalId), clientId);
    return thing ? groups.allGroupsOf(thing.thingName) : [];
  });
  const source = new PermissionSource(tables, arns, registry);
  const authorizer = new PolicyAuthorizer(changes, arns, source, roles);
  const broker = createBroker<Peer>({ store, clock, log, authorizer });
  broker.on('disconnected', ({ client }) => authorizer.forget(client));
  changes.listen((subjects) => {
    const ended = new Set<string>();
    for (const subject of subjects) {
      if (!subject.startsWith('principal/')) continue;
      const principal = subject.slice('principal/'.length);
      const certificate = tables.certificates.get(arns.parse(principal)?.name ?? '');
      if (certificate?.status !== 'ACTIVE') ended.add(principal);
    }
    if (ended.size > 0) broker.disconnect(({ peer }) => ended.has(peer.principal.arn), 'AUTH_ERROR');
  });
  logBroker(broker, logs.levels, logs.log);
  const presence = lifecycle(broker, tables, store, clock, thingPrincipals, failed);
  const tokens = new OwnershipTokens(tables, changes, arns, clock, certificates);
  const provisioning = new FleetProvisioning({
    ...{ arns, changes, clock, log, authority, certificates, tokens, templates, registrar },
    invoker: capabilities.invoker,
  });
  serveFleetProvisioning(broker, provisioning, log, logs.log);
  const thingTopics = new ThingTopics(broker, log);
  const shadows = new ShadowService(store, clock, broker, failed);
  serveShadows(thingTopics, shadows, broker, clock, failed);
  const index = fleetIndex(changes, { tables, shadows, connectivity: presence.connectivity });

  const jobs = new Jobs({
    ...{ store, clock, arns, changes, groups, broker, failed },
    registry: tables,
    isEnabled: (kind) => settings.isEventEnabled(kind),
  });
  const deviceJobs = new DeviceJobs(jobs, tables, clock);
  const jobTemplates = templatesOfJobs({
    store,
    clock,
    arns,
    changes,
    registry: tables,
    jobs,
    readObject: capabilities.readObject,
  });
  serveJobs(thingTopics, deviceJobs, broker, clock, failed);
  const ruleLog = new RuleLog(logs.log);
  const ruleEngine = new RulesEngine({
    ...{ broker, thingTopics, clock, log, ruleLog },
    pending: new PendingRuns(store),
    runner: new Runner(clock, log, ruleLog),
  });
  const rules = new TopicRules({
    ...{ store, clock, accountId, region, log, arns, changes, tables, shadows },
    engine: ruleEngine,
    targets: ruleTargets,
  });
  rules.start();

  const audit = deviceDefenderAudit(base, {
    ...{ registry: tables, changes, arns, broker, certificates, groups, failed },
    roles: capabilities.defender?.roles,
    topics: capabilities.defender?.topics,
  });
  audit.start();

  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'iot',
    scopes: ['iot'],
    model,
    protocol: restJson1(model),
    operations: {
      ...things.operations,
      ...types.operations,
      ...groups.operations,
      ...certificates.operations,
      ...policies.operations,
      ...attachments.operations,
      ...thingPrincipals.operations,
      ...templates.operations,
      ...thingRegistration(registrar).operations,
      ...aliases.operations,
      ...tagging(tables, changes, arns, {
        ...{ job: jobs.store, jobtemplate: jobTemplates, rule: rules },
        ...audit.taggable,
      }).operations,
      ...jobOperations(jobs, tables, arns, capabilities.readObject, jobTemplates).operations,
      ...executionOperations(jobs, arns, clock).operations,
      ...jobTemplates.operations,
      ...ruleOperations(rules),
      ...settings.operations,
      ...logs.operations,
      ...presence.operations,
      ...index.operations,
      ...audit.operations,
    },
    validationError: { code: 'InvalidRequestException' },
    ...(roles && {
      authorize: roleAuthorization({
        prefix: 'iot',
        roles,
        clock,
        permission: controlPlanePermission(arns),
        deniedCode: 'UnauthorizedException',
      }),
    }),
  });

  const tags = new ResourceTags(tables, changes);
  const shared = { tables, changes, arns, tags };
  const webSocket = mqttOverWebSocket(broker, capabilities.credentials, accountId, clock);
  const tls = new ServerTls(authority, serverNames(host, region), clock, failed);
  const identify = identifyByCertificate(tables, arns, clock);
  const listeners: { close(): Promise<void> }[] = [];

  return {
    arns,
    broker,
    thingTopics,
    shadows,
    jobs,
    rules: ruleEngine,
    deviceJobs,
    access: deviceAccess(arns, source, roles),
    registry: {
      thingExists: (thingName) => tables.things.get(thingName) !== undefined,
      isAttached: (thingName, certificateArn) =>
        thingPrincipals.thingOf(certificateArn, thingName)?.thingName === thingName,
      groupsOf: (thingName) =>
        groups.operations
          .ListThingGroupsForThing({ thingName })
          .thingGroups.map(({ groupName }) => groupName),
      thingGroupExists: (name) => tables.thingGroups.get(name) !== undefined,
      groupsAbove: (name) =>
        groups.operations
          .DescribeThingGroup({ thingGroupName: name })
          .thingGroupMetadata.rootToParentThingGroups?.map(({ groupName }) => groupName) ?? [],
      roleAlias: (name) => tables.roleAliases.get(name),
    },
    upgrade: webSocket.upgrade,
    async listen(ports, paths) {
      const mqtt = await listenMqtt(tls, identify, broker, log, host, ports.mqtt);
      listeners.push(mqtt);
      const https = await listenDeviceHttps(tls, identify, paths, host, ports.https);
      listeners.push(https);
      endpoints = { host, mqttPort: mqtt.port, httpsPort: https.port };
      return { mqtt: mqtt.port, https: https.port };
    },
    plugin: {
      services: [service],
      resourceTypes: [
        ...thingResourceTypes({ ...shared, things, types, groups }),
        ...identityResourceTypes({ ...shared, policies, templates, aliases }),
        ...audit.resourceTypes(tags),
        topicRuleType(rules, tags, changes),
        ...logs.resourceTypes,
      ],
      paths: [
        validity.path,
        {
          prefix: '/_local/root-ca.pem',
          handle: async () => ({
            status: 200,
            headers: { 'content-type': 'application/x-pem-file' },
            body: authority.rootPem,
          }),
        },
      ],
      async close() {
        jobs.close();
        tokens.close();
        tls.close();
        webSocket.close();
        await audit.close();
        await broker.close();
        await ruleEngine.close();
        await presence.close();
        for (const listener of listeners) await listener.close();
      },
    },
  };
}
