import type {
  DeploymentDetails,
  DeviceDetails,
  DeviceSummary,
  FleetEvent,
  TelemetryPoint,
} from '@mooring/contracts';

const DAY = 86_400_000;

/** A made-up fleet: some devices of it are away, or not well, so that there is something of everything. */
export class TestFleet {
  readonly devices = new Map<string, DeviceDetails>();
  readonly events: FleetEvent[] = [];
  readonly allowed = new Set<string>();
  frequency = new Map<string, number>();
  blinking = new Map<string, boolean>();
  readonly deployment: DeploymentDetails;

  constructor(
    count: number,
    readonly now: number,
  ) {
    for (let number = 1; number <= count; number += 1) {
      const thing = `1${String(number).padStart(15, '0')}`;
      this.add(thing, number);
    }
    this.deployment = {
      deploymentId: 'a1b2c3d4-0000-4000-8000-000000000007',
      revision: '7',
      name: 'mooring fleet',
      status: 'ACTIVE',
      created: now - 26 * 60_000,
      latest: true,
      components: [
        { name: 'docker_button', version: '1.0.0' },
        { name: 'docker_led', version: '1.2.0' },
        { name: 'docker_certificate_rotator', version: '1.1.0' },
        { name: 'docker_corrupt', version: '1.0.1', heldBack: true },
      ],
      rollout: {
        perMinute: 5,
        baseRatePerMinute: 5,
        incrementFactor: 2,
        maximumPerMinute: 100,
        abortThreshold: 20,
      },
      devices: {
        succeeded: Math.ceil(count * 0.62),
        inProgress: 12,
        queued: Math.floor(count * 0.3),
        failed: 4,
      },
      waves: Array.from({ length: 9 }, (_, wave) => ({
        at: now - (26 - wave * 3) * 60_000,
        started: Math.min(count, 5 * 2 ** wave),
        succeeded: Math.min(Math.ceil(count * 0.62), Math.floor(4 * 2 ** wave)),
        failed: Math.min(4, wave),
      })),
      failures: [17, 170, 340, 510]
        .filter((number) => number <= count)
        .map((number) => ({
          thing: `1${String(number).padStart(15, '0')}`,
          status: 'FAILED',
          reason:
            'FAILED_ROLLBACK_COMPLETE: docker_corrupt 1.0.1 is BROKEN: the process ended with 1, three times',
          at: now - 12 * 60_000,
        })),
      broken: [
        {
          name: 'docker_corrupt',
          version: '1.0.1',
          things: ['1000000000000017', '1000000000000170'],
          reason: 'the process ended with 1, three times',
        },
      ],
    };
    const types = [
      'connected',
      'deployment_succeeded',
      'disconnected',
      'rotation_completed',
      'thing_created',
    ] as const;
    for (let index = 0; index < 120; index += 1) {
      const at = now - index * 47_000;
      this.events.push({
        id: `${at}#${index}`,
        at,
        type: types[index % types.length] ?? 'connected',
        thing: `1${String((index * 37) % count || 1).padStart(15, '0')}`,
        detail: index % 5 === 2 ? 'CONNECTION_LOST' : undefined,
      });
    }
  }

  add(thing: string, number: number): void {
    const away = number % 41 === 0;
    const unwell = number % 97 === 17;
    const rotation =
      number % 53 === 5
        ? ({ stage: 'issued', at: this.now - 9_000, certificateId: hex(number + 7) } as const)
        : number % 19 === 3
          ? ({ stage: 'completed', at: this.now - 3 * DAY, certificateId: hex(number) } as const)
          : undefined;
    this.allowed.add(thing);
    this.blinking.set(thing, number % 13 !== 0);
    this.frequency.set(thing, [1, 2, 0.5, 5, 10][number % 5] ?? 1);
    const state = unwell ? 'BROKEN' : 'RUNNING';
    this.devices.set(thing, {
      thing,
      connected: !away,
      connectionAt: this.now - ((number * 7_919) % (5 * DAY)),
      health: unwell ? 'UNHEALTHY' : 'HEALTHY',
      healthAt: this.now - ((number * 613) % 3_600_000),
      rotation,
      components: [
        { name: 'docker_led', version: '1.2.0', state: 'RUNNING', since: this.now - DAY },
        { name: 'docker_button', version: '1.0.0', state: 'RUNNING', since: this.now - DAY },
        {
          name: 'docker_certificate_rotator',
          version: '1.1.0',
          state,
          since: this.now - DAY,
          reason: unwell ? 'the process ended with 1, three times' : undefined,
        },
        { name: 'os_update', version: '1.0.0', state: 'FINISHED', since: this.now - 3 * DAY },
        { name: 'aws.greengrass.Nucleus', version: '2.14.0', state: 'RUNNING' },
        { name: 'aws.greengrass.LogManager', version: '2.3.9', state: 'RUNNING' },
      ],
      certificates: [
        {
          certificateId: hex(number),
          status: 'ACTIVE',
          expires: this.now + (24 + ((number * 53) % 340)) * DAY,
        },
      ],
      led: {
        at: this.now - 60_000,
        frequency: this.frequency.get(thing) ?? 1,
        blinking: this.blinking.get(thing) ?? true,
      },
      deployments: [
        {
          deploymentId: 'a1b2c3d4-0000-4000-8000-000000000007',
          name: 'mooring fleet',
          status: unwell ? 'FAILED' : number % 11 === 0 ? 'IN_PROGRESS' : 'SUCCEEDED',
          at: this.now - 12 * 60_000,
        },
      ],
    });
  }

  summaries(): DeviceSummary[] {
    return [...this.devices.values()].map(
      ({
        components: _components,
        certificates: _certificates,
        deployments: _deployments,
        led: _led,
        ...summary
      }) => summary,
    );
  }

  /** A value every ten seconds, of a day that had a quiet night. */
  telemetry(
    thing: string,
    from: number,
    to: number,
    points: number,
  ): { points: TelemetryPoint[]; resolution: number } {
    const step = Math.max(10_000, Math.ceil((to - from) / points / 1_000) * 1_000);
    const found: TelemetryPoint[] = [];
    for (let at = Math.ceil(from / step) * step; at <= Math.min(to, this.now); at += step) {
      const hour = at / 3_600_000;
      const frequency = Math.round((3 + 2 * Math.sin(hour * 2.2) + Math.sin(hour * 9)) * 2) / 2 || 0.5;
      found.push({
        at,
        frequency: Math.max(0.5, frequency),
        blinking: Math.sin(hour * 3.1) > -0.85,
        ...(step > 10_000 && { lowest: Math.max(0.5, frequency - 0.5), highest: frequency + 0.5 }),
      });
    }
    const last = found.at(-1);
    if (last !== undefined && to >= this.now) {
      last.frequency = this.frequency.get(thing) ?? 1;
      last.blinking = this.blinking.get(thing) ?? true;
    }
    return { points: found, resolution: step > 10_000 ? step : 0 };
  }
}

function hex(number: number): string {
  return (BigInt(number) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834n)
    .toString(16)
    .padStart(64, '7')
    .slice(-64);
}
