import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.js';
import { front } from '../../src/http/front.js';
import { listenHttp } from '../../src/http/listener.js';
import type { Base } from '../../src/plugin.js';
import { greengrass } from '../../src/services/greengrassv2/greengrass.js';
import type { RoleAuthority } from '../../src/services/iam/role-authority.js';
import { servicePath } from '../../src/services/iot/devices/https-listener.js';
import { type Iot, type IotCapabilities, iot } from '../../src/services/iot/iot.js';
import { credentialsProvider } from '../../src/services/iot-credentials/credentials-provider.js';
import { IOT_DATA_PATHS, iotDataPlane } from '../../src/services/iot-data/iot-data.js';
import { IOT_JOBS_DATA_PATH, iotJobsDataPlane } from '../../src/services/iot-jobs-data/iot-jobs-data.js';
import type { FunctionInvoker } from '../../src/services/lambda/invoker.js';
import { type CredentialsIssuer, credentialsIssuer } from '../../src/services/sts/issuer.js';
import { openStore } from '../../src/store/store.js';

/** A cloud of AWS IoT alone, on free ports. */
export interface IotCloud {
  readonly endpointUrl: string;
  readonly region: string;
  readonly accountId: string;
  readonly ports: { readonly http: number; readonly mqtt: number; readonly https: number };
  readonly iot: Iot;
  readonly issuer: CredentialsIssuer;
  readonly stateDirectory: string;
  close(): Promise<void>;
}

export interface IotCloudOptions {
  stateDirectory?: string;
  clock?: Clock;
  invoker?: FunctionInvoker;
  roles?: RoleAuthority;
  defender?: IotCapabilities['defender'];
  certificateValidity?: string;
  onLog?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** A temporary directory that goes when the test, or the file whose hook asks for it, ends. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'local-cloud-iot-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts AWS IoT with its data plane, credentials provider and listeners; {@link IotCloud.close} ends it. */
export async function openIotCloud(options: IotCloudOptions = {}): Promise<IotCloud> {
  const directory = options.stateDirectory ? undefined : temporaryDirectory();
  const stateDirectory = options.stateDirectory ?? directory?.path ?? '';
  const store = openStore(stateDirectory);
  const base: Base = {
    store,
    stateDirectory,
    clock: options.clock ?? systemClock,
    accountId: '000000000000',
    region: 'eu-central-1',
    log: (_level, message, fields = {}) => options.onLog?.(message, fields),
  };
  const issuer = credentialsIssuer(base);
  const { invoker, roles, defender, certificateValidity } = options;
  const iotCore = await iot(base, {
    ...{ host: '127.0.0.1', credentials: issuer.lookup, invoker, roles, defender, certificateValidity },
  });
  const data = iotDataPlane(base, iotCore);
  const jobsData = iotJobsDataPlane(base, iotCore);
  const greengrassPlugin = greengrass(base, { ...iotCore, issuer });
  const handler = front({
    services: [...iotCore.plugin.services, data, jobsData, ...greengrassPlugin.services],
    paths: iotCore.plugin.paths ?? [],
    credentials: issuer.lookup,
    accountId: base.accountId,
    clock: base.clock,
  });
  const http = await listenHttp(handler, '127.0.0.1', 0, iotCore.upgrade);
  const ports = await iotCore.listen({ mqtt: 0, https: 0 }, [
    ...IOT_DATA_PATHS.map((prefix) => servicePath(prefix, data, base)),
    { ...servicePath('/things/', jobsData, base), ...IOT_JOBS_DATA_PATH },
    credentialsProvider({ ...iotCore, issuer }),
    ...greengrassPlugin.devicePaths,
  ]);
  return {
    endpointUrl: `http://127.0.0.1:${http.port}`,
    region: base.region,
    accountId: base.accountId,
    ports: { http: http.port, ...ports },
    iot: iotCore,
    issuer,
    stateDirectory,
    async close() {
      await http.close();
      await greengrassPlugin.close?.();
      await iotCore.plugin.close?.();
      await store.close();
      directory?.remove();
    },
  };
}

/** {@link openIotCloud} for one test; it is closed when the test ends. */
export async function iotCloud(options: IotCloudOptions = {}): Promise<IotCloud> {
  const cloud = await openIotCloud(options);
  onTestFinished(() => cloud.close());
  return cloud;
}
