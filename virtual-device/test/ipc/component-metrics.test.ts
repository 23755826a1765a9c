import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { describe, expect, it } from 'vitest';
import { connectClient, startDevice } from './device.js';

const { MetricUnitType } = greengrasscoreipc.model;
const SERVICE = 'aws.greengrass.ipc.componentmetric';
const policy = { [SERVICE]: { p: { operations: ['aws.greengrass#PutComponentMetric'], resources: ['*'] } } };

const refusal = (code: string) => ({ serviceError: { _errorCode: code } });

describe('metrics of components', () => {
  async function components() {
    const { device, server } = await startDevice(['led', 'aws.example.Meter']);
    const connect = (name: string) => connectClient(server, name);
    return { device, connect };
  }
  const metrics = [{ name: 'Blinks', unit: MetricUnitType.COUNT_PER_SECOND, value: 2 }];

  it('are taken from AWS’s own components with a policy', async () => {
    const { device, connect } = await components();
    device.accessControl.set('aws.example.Meter', policy);
    const meter = await connect('aws.example.Meter');
    await meter.putComponentMetric({ metrics });
    expect(device.logged).toContain('info: aws.example.Meter put the metric Blinks');
  });

  it('are refused without a policy, and from all other components as on the nucleus', async () => {
    const { device, connect } = await components();
    const meter = await connect('aws.example.Meter');
    await expect(meter.putComponentMetric({ metrics })).rejects.toMatchObject(refusal('UnauthorizedError'));
    device.accessControl.set('led', policy);
    const led = await connect('led');
    await expect(led.putComponentMetric({ metrics })).rejects.toMatchObject(refusal('UnauthorizedError'));
  });

  it.each([
    ['no metric', []],
    ['a name of more than 32 bytes', [{ ...metrics[0], name: 'é'.repeat(17) }]],
    ['no name', [{ ...metrics[0], name: '' }]],
    ['a negative value', [{ ...metrics[0], value: -1 }]],
    ['an unknown unit', [{ ...metrics[0], unit: 'FURLONGS' }]],
  ])('are refused with %s', async (_what, wrong) => {
    const { device, connect } = await components();
    device.accessControl.set('aws.example.Meter', policy);
    const meter = await connect('aws.example.Meter');
    await expect(
      meter.putComponentMetric({ metrics: wrong as greengrasscoreipc.model.Metric[] }),
    ).rejects.toMatchObject(refusal('InvalidArgumentsError'));
  });
});
