import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { describe, expect, it } from 'vitest';
import { connectClient, createClient, startDevice, tokenOf } from './device.js';

async function connectCli(server: { socketPath: string }) {
  const client = createClient(server.socketPath, 'CLI');
  await client.connect();
  return client;
}

const refused = (code: string, message: RegExp) => ({
  serviceError: { _errorCode: code, message: expect.stringMatching(message) },
});

describe('components', () => {
  it('report their own state', async () => {
    const { device, server } = await startDevice(['led']);
    const led = await connectClient(server, 'led');
    await led.updateState({ state: 'RUNNING' as greengrasscoreipc.model.ReportedLifecycleState });
    expect(device.calls).toEqual([['updateState', 'led', 'RUNNING']]);
    const cli = await connectCli(server);
    await expect(
      cli.updateState({ state: 'ERRORED' as greengrasscoreipc.model.ReportedLifecycleState }),
    ).rejects.toMatchObject({
      serviceError: { _errorCode: 'ResourceNotFoundError', resourceType: 'Component' },
    });
  });

  it('are listed, described, restarted and stopped by the command', async () => {
    const { device, server } = await startDevice(['led', 'button']);
    device.components.set('led', {
      componentName: 'led',
      version: '1.2.3',
      state: 'BROKEN',
      configuration: { frequency: 2 },
    });
    const cli = await connectCli(server);
    const led = { componentName: 'led', version: '1.2.3', state: 'BROKEN', configuration: { frequency: 2 } };
    expect(await cli.listComponents({})).toEqual({
      components: [led, { componentName: 'button', version: '1.0.0', state: 'RUNNING' }],
    });
    expect(await cli.getComponentDetails({ componentName: 'led' })).toEqual({ componentDetails: led });
    expect(await cli.restartComponent({ componentName: 'led' })).toEqual({ restartStatus: 'SUCCEEDED' });
    expect(await cli.stopComponent({ componentName: 'button' })).toEqual({ stopStatus: 'SUCCEEDED' });
    expect(device.calls).toEqual([
      ['restart', 'led'],
      ['stop', 'button'],
    ]);
  });

  it('are refused by name when the device does not have them', async () => {
    const { server } = await startDevice(['led']);
    const cli = await connectCli(server);
    const absent = { componentName: 'absent' };
    const message = /Component with name absent not found/;
    await expect(cli.getComponentDetails(absent)).rejects.toMatchObject(
      refused('ResourceNotFoundError', message),
    );
    await expect(cli.restartComponent(absent)).rejects.toMatchObject(
      refused('ComponentNotFoundError', message),
    );
    await expect(cli.stopComponent({ componentName: '' })).rejects.toMatchObject(
      refused('InvalidArgumentsError', /Component name cannot be empty/),
    );
  });

  it('manage others only where a policy allows it', async () => {
    const { device, server } = await startDevice(['led', 'button', 'manager']);
    device.accessControl.set('manager', {
      'aws.greengrass.Cli': {
        'manager:1': { operations: ['aws.greengrass#RestartComponent'], resources: ['led'] },
      },
    });
    const manager = await connectClient(server, 'manager');
    await manager.restartComponent({ componentName: 'led' });
    // The client's model has no UnauthorizedError for this operation and names the shape instead.
    await expect(manager.restartComponent({ componentName: 'button' })).rejects.toThrow(/UnauthorizedError/);
    await expect(manager.createLocalDeployment({})).rejects.toThrow(/UnauthorizedError/);
    expect(device.calls).toEqual([['restart', 'led']]);
  });
});

describe('local deployments', () => {
  it('are created, followed and listed by the command', async () => {
    const { device, server } = await startDevice([]);
    const cli = await connectCli(server);
    const created = await cli.createLocalDeployment({
      groupName: 'group',
      rootComponentVersionsToAdd: new Map([['com.example.Led', '1.0.0']]),
      rootComponentsToRemove: ['com.example.Old'],
      componentToConfiguration: new Map([['com.example.Led', { MERGE: { frequency: 3 }, RESET: ['/x'] }]]),
      componentToRunWithInfo: new Map([
        ['com.example.Led', { posixUser: 'u', systemResourceLimits: { cpus: 1 } }],
      ]),
      recipeDirectoryPath: '/recipes',
      artifactsDirectoryPath: '/artifacts',
    });
    expect(created).toEqual({ deploymentId: 'd-1' });
    expect(device.calls).toEqual([
      [
        'createLocalDeployment',
        {
          groupName: 'group',
          rootComponentVersionsToAdd: { 'com.example.Led': '1.0.0' },
          rootComponentsToRemove: ['com.example.Old'],
          componentToConfiguration: { 'com.example.Led': { MERGE: { frequency: 3 }, RESET: ['/x'] } },
          componentToRunWithInfo: {
            'com.example.Led': { posixUser: 'u', systemResourceLimits: { cpus: 1 } },
          },
          recipeDirectoryPath: '/recipes',
          artifactsDirectoryPath: '/artifacts',
        },
      ],
    ]);
    device.deployments.set('d-1', {
      deploymentId: 'd-1',
      status: 'FAILED',
      createdOn: '2026-01-01T00:00:00Z',
      deploymentStatusDetails: {
        detailedDeploymentStatus: 'FAILED_NO_STATE_CHANGE',
        deploymentErrorStack: ['E'],
        deploymentFailureCause: 'no such component',
      },
    });
    const deployment = device.deployments.get('d-1');
    expect(await cli.getLocalDeploymentStatus({ deploymentId: 'd-1' })).toEqual({ deployment });
    expect(await cli.listLocalDeployments({})).toEqual({ localDeployments: [deployment] });
  });

  it('are refused with the device’s own error', async () => {
    const { server } = await startDevice([]);
    const cli = await connectCli(server);
    await expect(cli.createLocalDeployment({ recipeDirectoryPath: '/absent' })).rejects.toMatchObject(
      refused('InvalidRecipeDirectoryPathError', /no folder \/absent/),
    );
    await expect(cli.getLocalDeploymentStatus({ deploymentId: 'none' })).rejects.toMatchObject({
      serviceError: { _errorCode: 'ResourceNotFoundError', resourceName: 'none' },
    });
  });
});

describe('authorization tokens', () => {
  it('are checked for the stream manager alone', async () => {
    const streamManager = 'aws.greengrass.StreamManager';
    const { server } = await startDevice(['led', streamManager]);
    const manager = await connectClient(server, streamManager);
    expect(await manager.validateAuthorizationToken({ token: tokenOf('led') })).toEqual({ isValid: true });
    await expect(manager.validateAuthorizationToken({ token: 'none' })).rejects.toMatchObject(
      refused('InvalidTokenError', /not found/),
    );
    const led = await connectClient(server, 'led');
    await expect(led.validateAuthorizationToken({ token: 'none' })).rejects.toMatchObject(
      refused(
        'UnauthorizedError',
        /led is not authorized to perform aws.greengrass#ValidateAuthorizationToken/,
      ),
    );
  });
});
