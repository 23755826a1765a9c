import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  GetPolicyCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import { GetRetainedMessageCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { startCommand } from '../support/command.js';
import { openIotCloud, temporaryDirectory } from './cloud.js';
import { ALLOW_ALL, connect, iotClient, newIdentity, newRequest, prepareFleet, sdkConfig } from './fleet.js';

test('what was acknowledged is there after kill -9, at whatever moment', async () => {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const kept = {
    things: new Set<string>(),
    certificates: new Set<string>(),
    messages: new Map<string, string>(),
  };
  const { csr } = await newRequest();
  let identity: Awaited<ReturnType<typeof newIdentity>> | undefined;
  // Numbers of acknowledgements after which each process is killed.
  const rounds = fc.sample(fc.integer({ min: 5, max: 60 }), 3);
  for (const [round, enough] of rounds.entries()) {
    const cloud = { ...(await startCommand(directory.path)), stateDirectory: directory.path };
    const iot = new IoTClient(sdkConfig(cloud));
    const data = new IoTDataPlaneClient(sdkConfig(cloud));
    for (const thingName of kept.things) await iot.send(new DescribeThingCommand({ thingName }));
    for (const certificateId of kept.certificates) {
      await iot.send(new DescribeCertificateCommand({ certificateId }));
    }
    for (const [topic, text] of kept.messages) {
      const { payload } = await data.send(new GetRetainedMessageCommand({ topic }));
      expect(Buffer.from(payload ?? []).toString()).toBe(text);
    }
    identity ??= await newIdentity(iot, 'all', ALLOW_ALL);
    const client = await connect(cloud, identity, 'publisher');
    client.on('error', () => {});

    let acknowledged = 0;
    const killed = new Promise<void>((resolve) => {
      const count = () => {
        acknowledged += 1;
        if (acknowledged === enough) resolve(cloud.end('SIGKILL').then(() => {}));
      };
      let number = 0;
      /** Asks again and again until the process is gone. */
      const keepAsking = async (ask: (name: string) => Promise<void>) => {
        for (;;) {
          number += 1;
          try {
            await ask(`${round}-${number}`);
          } catch {
            return;
          }
          count();
        }
      };
      const things = (thingName: string) =>
        iot.send(new CreateThingCommand({ thingName })).then(() => void kept.things.add(thingName));
      const certificates = () =>
        iot
          .send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr }))
          .then(({ certificateId = '' }) => void kept.certificates.add(certificateId));
      const messages = (name: string) =>
        client
          .publishAsync(`kept/${name}`, name, { qos: 1, retain: true })
          .then(() => void kept.messages.set(`kept/${name}`, name));
      for (const ask of [things, certificates, messages, messages]) void keepAsking(ask);
    });
    await killed;
    client.end(true);
  }
  expect(kept.things.size + kept.certificates.size + kept.messages.size).toBeGreaterThanOrEqual(
    rounds.reduce((sum, enough) => sum + enough, 0),
  );
});

test('everything is there after a restart, under the same root certificate', async () => {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const first = await openIotCloud({ stateDirectory: directory.path });
  const before = iotClient(first);
  const claim = await prepareFleet(before);
  const identity = await newIdentity(before, 'all', ALLOW_ALL);
  await before.send(new CreateThingCommand({ thingName: 'one' }));
  await before.send(
    new AttachThingPrincipalCommand({ thingName: 'one', principal: identity.certificateArn }),
  );
  await before.send(new AttachPolicyCommand({ policyName: 'device', target: identity.certificateArn }));
  const root = await (await fetch(`${first.endpointUrl}/_local/root-ca.pem`)).text();
  await first.close();

  const second = await openIotCloud({ stateDirectory: directory.path });
  onTestFinished(() => second.close());
  const after = iotClient(second);
  expect(await (await fetch(`${second.endpointUrl}/_local/root-ca.pem`)).text()).toBe(root);
  await after.send(new GetPolicyCommand({ policyName: 'device' }));
  const { endpointAddress } = await after.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
  expect(endpointAddress).toBe(`localhost:${second.ports.mqtt}`);
  for (const [who, clientId] of [
    [identity, 'one'],
    [claim, 'claim-1'],
  ] as const) {
    (await connect(second, who, clientId)).end();
  }
});
