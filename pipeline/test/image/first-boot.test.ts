import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceRoot } from './device-root.js';

let device: DeviceRoot;
beforeEach(() => {
  device = new DeviceRoot();
});
afterEach(() => {
  device.remove();
});

describe('the serial number', () => {
  const dmi = 'sys/class/dmi/id/product_serial';
  const tree = 'proc/device-tree/serial-number';
  const machine = ['etc/machine-id', 'b08dfa6083e7567a1921a715000001fb\n'] as const;
  const serial = () => device.run('serial-number');

  it('is SMBIOS’s', () => {
    device
      .put(dmi, '1000000000000003\n')
      .put(tree, 'other\0')
      .put(...machine);
    expect(serial()).toMatchObject({ code: 0, stdout: '1000000000000003\n' });
  });

  it('is the device tree’s where there is no SMBIOS, without its zero byte', () => {
    device.put(tree, '10000000f00dcafe\0').put(...machine);
    expect(serial()).toMatchObject({ code: 0, stdout: '10000000f00dcafe\n' });
  });

  it('is the machine id when neither tells one', () => {
    device.put(...machine);
    expect(serial()).toMatchObject({ code: 0, stdout: machine[1] });
  });

  it.each(['Not Specified', 'To Be Filled By O.E.M.', 'Default string', '0000000000', '', 'N/A', '  '])(
    'is not %j, which makers leave there',
    (text) => {
      device.put(dmi, `${text}\n`).put(...machine);
      expect(serial().stdout).toBe(machine[1]);
    },
  );

  it.each(['a b', 'a/b', 'a;reboot', '$(reboot)', 'é', 'x&', 'a'.repeat(129), Buffer.from([0xff, 0xfe, 65])])(
    'is not %j, which is no name of a thing',
    (text) => {
      device.put(dmi, text).put(tree, 'AB-1:2_3');
      expect(serial().stdout).toBe('AB-1:2_3\n');
    },
  );

  it('without any is an error', () => {
    device.put('etc/machine-id', 'uninitialized/\n');
    expect(serial()).toMatchObject({ code: 1, stdout: '' });
    expect(device.run('first-boot', ['prepare']).code).toBe(1);
  });
});

describe('preparing', () => {
  it('fills in the serial number, and lets root alone read the claim', () => {
    device.asImage().put('sys/class/dmi/id/product_serial', '1001\n');
    expect(device.run('first-boot', ['prepare'])).toMatchObject({ code: 0, stderr: '' });
    expect(device.read('greengrass/v2/config.yaml')).toBe('templateParameters:\n  SerialNumber: "1001"\n');
    expect(device.mode('greengrass/v2/claim-certs')).toBe('700');
    expect(device.mode('greengrass/v2/claim-certs/claim.private.pem.key')).toBe('600');
    expect(device.mode('greengrass/v2/config.yaml')).toBe('600');
    expect(device.read('run/mooring/state')).toBe('prepared\n');
  });

  it('keeps the serial number, whatever the firmware says later', () => {
    device.asImage().put('sys/class/dmi/id/product_serial', '1001\n');
    device.run('first-boot', ['prepare']);
    device.put('sys/class/dmi/id/product_serial', '1002\n');
    device.run('first-boot', ['prepare']);
    expect(device.read('greengrass/v2/config.yaml')).toContain('"1001"');
  });

  it('says so when the image has no claim', () => {
    device.put('etc/machine-id', 'b08dfa60\n');
    const { code, stdout } = device.run('first-boot', ['prepare']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('no claim certificate')]);
  });

  it('comes to the same when it is killed at any of its commands and done again', () => {
    const whole = new DeviceRoot().asImage();
    whole.run('first-boot', ['prepare']);
    const expected = { core: whole.files('greengrass'), var: whole.files('var') };
    whole.remove();
    // Commands that count, and at their turn kill the script before or after they do what they are for.
    const commands = ['mkdir', 'chmod', 'chown', 'cat', 'sync', 'mv', 'sed'];
    const bin = new DeviceRoot();
    for (const command of commands) {
      bin.put(
        command,
        [
          '#!/bin/sh',
          'n=$(($(/bin/cat "$COUNT" 2>/dev/null || echo 0) + 1)); echo "$n" >"$COUNT"',
          '[ "$n" != "$KILL_BEFORE" ] || kill -9 "$PPID"',
          '[ "$n" -lt "${KILL_BEFORE:-9999}" ] || exit 1',
          `PATH=$REAL_PATH exec ${command} "$@"`,
        ].join('\n'),
      );
      chmodSync(join(bin.path, command), 0o755);
    }
    try {
      let killed = 0;
      for (let at = 1; at < 60; at++) {
        const one = new DeviceRoot().asImage();
        const count = join(one.path, 'count');
        const { code } = one.run('first-boot', ['prepare'], {
          PATH: `${bin.path}:${process.env.PATH}`,
          REAL_PATH: process.env.PATH ?? '',
          COUNT: count,
          KILL_BEFORE: String(at),
        });
        if (code !== 0) killed++;
        expect(one.run('first-boot', ['prepare']).code).toBe(0);
        expect([at, { core: one.files('greengrass'), var: one.files('var') }]).toEqual([at, expected]);
        const reached = Number(one.read('count'));
        one.remove();
        if (reached < at) break;
      }
      expect(killed).toBeGreaterThan(10);
    } finally {
      bin.remove();
    }
  });
});

describe('when the device has its own certificate', () => {
  it('the claim goes, at once or at the next boot', () => {
    for (const [step, state] of [
      ['settled', 'provisioned\n'],
      ['prepare', 'provisioned\n'],
    ] as const) {
      const one = new DeviceRoot().asImage().asProvisioned();
      expect(one.run('first-boot', [step])).toMatchObject({ code: 0, stderr: '' });
      expect(Object.keys(one.files('greengrass'))).toEqual([
        'greengrass/v2/config/effectiveConfig.yaml',
        'greengrass/v2/privKey.key',
        'greengrass/v2/thingCert.crt',
      ]);
      expect(one.read('run/mooring/state')).toBe(state);
      one.remove();
    }
  });

  it('the claim stays while anything of it is missing', () => {
    for (const missing of ['thingName', 'certificateFilePath', 'privateKeyPath']) {
      const one = new DeviceRoot().asImage().asProvisioned();
      const file = 'greengrass/v2/config/effectiveConfig.yaml';
      const lines = one.read(file).split('\n');
      one.put(file, lines.filter((line) => !line.includes(missing)).join('\n'));
      one.run('first-boot', ['settled']);
      expect([missing, Object.keys(one.files('greengrass/v2/claim-certs')).length]).toEqual([missing, 2]);
      one.remove();
    }
    device.asImage().asProvisioned().put('greengrass/v2/thingCert.crt', '');
    device.run('first-boot', ['settled']);
    expect(Object.keys(device.files('greengrass/v2/claim-certs'))).toHaveLength(2);
  });

  it('a certificate that a rotation put elsewhere counts', () => {
    const file = 'greengrass/v2/config/effectiveConfig.yaml';
    device.asImage().asProvisioned().put('greengrass/v2/certificates/2/cert.pem', 'certificate');
    device.put(file, device.read(file).replace('v2/thingCert.crt', 'v2/certificates/2/cert.pem'));
    device.put('greengrass/v2/thingCert.crt', '');
    expect(device.run('first-boot', ['prepare']).stdout).toContain('provisioned');
  });
});

describe('the state', () => {
  it('is on every console', () => {
    device
      .asImage()
      .put('sys/class/tty/console/active', 'tty0 ttyAMA0\n')
      .put('dev/tty0', '')
      .put('dev/ttyAMA0', '');
    device.run('first-boot', ['prepare']);
    for (const console of ['dev/tty0', 'dev/ttyAMA0']) expect(device.read(console)).toContain(': prepared: ');
  });

  it.each([
    ['exit-code', '3', 'refused'],
    ['exit-code', '7', 'failed'],
    ['signal', 'KILL', 'failed'],
  ])('after %s %s of the core is %s', (SERVICE_RESULT, EXIT_STATUS, state) => {
    device.asImage();
    device.run('first-boot', ['stopped'], { SERVICE_RESULT, EXIT_STATUS });
    expect(device.read('run/mooring/state')).toBe(`${state}\n`);
  });

  it('does not start the core with a clock before the image was built', () => {
    device.asImage().put('etc/mooring/built', '99999999999\n');
    const { code, stdout } = device.run('first-boot', ['starting']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('before the image was built')]);
    device.put('etc/mooring/built', '1700000000\n');
    expect(device.run('first-boot', ['starting']).code).toBe(0);
  });
});
