import { readFile } from 'node:fs/promises';
import { runComponent } from '../../runtime/src/component.js';
import { parseConfiguration } from '../../runtime/src/configuration.js';
import { CertificateStore, type KeyPair } from './certificate-store.js';
import { watchCertificate } from './certificate-watch.js';
import { RotatorConfiguration } from './configuration.js';
import { coreRun } from './core.js';
import { endpointOf } from './endpoint.js';
import { diskFiles } from './files.js';
import { newPrivateKey } from './keys.js';
import { Rotator } from './rotator.js';
import { tryPair } from './trial.js';

void runComponent(async (component) => {
  const { bus, clock, env, fail, log, onStop, thing } = component;
  const configuration = parseConfiguration(RotatorConfiguration, await bus.configuration());
  const store = new CertificateStore(env.CERTIFICATES_FOLDER ?? '', diskFiles);
  onStop(watchCertificate(store.certificatePath, { clock, now: Date.now, log, fail }));
  const trial = async (pair: KeyPair) =>
    tryPair(pair, {
      endpoint: endpointOf(await bus.nucleusConfiguration()),
      rootCa: await readFile(env.GG_ROOT_CA_PATH ?? '', 'utf8'),
      // A core device has client ids of its own that begin like this; the device policy allows them.
      clientId: `${thing}#certificate-rotator`,
      clock,
    });
  const core = () => coreRun(env.AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT ?? '');
  await store.read();
  const rotator = new Rotator(component, {
    store,
    configuration,
    newPrivateKey,
    trial,
    core,
    now: Date.now,
    random: Math.random,
  });
  void rotator.run().catch(fail);
});
