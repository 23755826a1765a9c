import { DescribeRepositoriesCommand } from '@aws-sdk/client-ecr';
import { ListComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import {
  DescribeCertificateCommand,
  DescribeProvisioningTemplateCommand,
  DescribeRoleAliasCommand,
  DescribeThingCommand,
  DescribeThingGroupCommand,
  GetPolicyCommand,
} from '@aws-sdk/client-iot';
import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { bucketNames, names, topics } from '@mooring/contracts';
import {
  attachListed,
  deployLocal,
  destroyInfrastructure,
  measureBlink,
  pressButtonLocally,
  provision,
} from '@mooring/pipeline';
import { NotSeen, type Step, see } from '../step.js';
import type { World } from '../world.js';
import { certificateOf, isGone, untilAnswers, untilConnected } from './membership.js';

export const destroy: Step = {
  step: 12,
  name: 'destroy',
  expected:
    "resources gone; device, its certificate, claim certificate and components remain; the device's cloud traffic stops, the button still works locally",
  needs: [5],
  async play(world) {
    const thing = world.serials.first;
    const device = world.devices.get(thing);
    if (!device) throw new NotSeen('device 1 does not run');
    const target = await world.target();
    const { iot, greengrass, iam, lambda, s3, ecr } = await world.clients();
    const certificateId = await certificateOf(world, thing);
    const claim = (await provision(target, [...world.devices.keys()].join('\n'))).claimCertificateId;
    const components = await world.latestVersions();
    see((await measureBlink(device.root, 1, 30, world.signal)) !== undefined, 'its LED does not blink');

    await destroyInfrastructure(target);

    const asked: [what: string, ask: () => Promise<unknown>][] = [
      ['thing group', () => iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup }))],
      [
        'provisioning template',
        () => iot.send(new DescribeProvisioningTemplateCommand({ templateName: names.provisioningTemplate })),
      ],
      ['role alias', () => iot.send(new DescribeRoleAliasCommand({ roleAlias: names.roleAlias }))],
      ['device policy', () => iot.send(new GetPolicyCommand({ policyName: names.devicePolicy }))],
      ['claim policy', () => iot.send(new GetPolicyCommand({ policyName: names.claimPolicy }))],
      ['role', () => iam.send(new GetRoleCommand({ RoleName: names.tokenExchangeRole }))],
      ['hook', () => lambda.send(new GetFunctionCommand({ FunctionName: names.allowlistFunction }))],
    ];
    const left: string[] = [];
    for (const [what, ask] of asked) if (!(await isGone(ask()))) left.push(what);
    const buckets = bucketNames(await world.account(), target.region);
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    left.push(...Buckets.map(({ Name = '' }) => Name).filter((name) => name !== buckets.bootstrap));
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    left.push(...repositories.map(({ repositoryName = '' }) => repositoryName));
    see(left.length === 0, `still there: ${left.join(', ')}`);

    await iot.send(new DescribeThingCommand({ thingName: thing }));
    for (const [whose, id] of Object.entries({ device: certificateId, claim })) {
      const { certificateDescription } = await iot.send(
        new DescribeCertificateCommand({ certificateId: id }),
      );
      see(
        certificateDescription?.status === 'ACTIVE',
        `the certificate of the ${whose} is ${certificateDescription?.status}`,
      );
    }
    const kept = await greengrass.send(new ListComponentsCommand({ scope: 'PRIVATE' }));
    see(
      kept.components?.length === Object.keys(components).length,
      `${kept.components?.length} components remain`,
    );

    const heard: string[] = [];
    const cloud = await world.topics();
    await cloud.subscribe(`lambda/${thing}/+`, (topic) => heard.push(topic));
    await pressButtonLocally(world.state, thing);
    const stopped = await measureBlink(device.root, 1, 3, world.signal);
    see(stopped === undefined, 'the LED blinks on after the button was pressed');
    await pressButtonLocally(world.state, thing);
    const again = await measureBlink(device.root, 1, 30, world.signal);
    see(again !== undefined, 'the LED does not blink again after the button was pressed once more');
    see(heard.length === 0, `the device still talks to the cloud: ${heard.join(', ')}`);
    return `${asked.length} kinds of resources, buckets and repositories gone; ${thing} with certificate ${certificateId.slice(0, 8)}…, claim ${claim.slice(0, 8)}… and ${kept.components?.length} components remain; two presses: the LED stopped and blinked again, nothing on ${topics.button(thing)}`;
  },
};

export const redeploy: Step = {
  step: 13,
  name: 'redeploy with a provisioned device',
  expected: 'the device is attached again and talks again, without a new certificate',
  needs: [12],
  async play(world: World) {
    const thing = world.serials.first;
    const before = await certificateOf(world, thing);
    const target = await world.target();
    await deployLocal(target);
    const allowlist = `${[...world.devices.keys()].join('\n')}\n`;
    const { claimCertificateCreated } = await provision(target, allowlist);
    see(!claimCertificateCreated, 'a new claim certificate was made');
    const attached = await attachListed(target, allowlist);
    see(attached === world.devices.size, `${attached} of ${world.devices.size} devices were attached`);
    await untilConnected(world, thing);
    await untilAnswers(world, thing, 4);
    const after = await certificateOf(world, thing);
    see(after === before, `the device has another certificate: ${after.slice(0, 8)}…`);
    return `${attached} devices attached again, ${thing} answers 4 Hz with the certificate ${after.slice(0, 8)}… of before`;
  },
};
