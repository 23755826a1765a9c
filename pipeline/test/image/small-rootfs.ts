import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const KERNEL = '9.9.9-test';

/** A root file system that has what the disk's making looks for, and nothing that would boot; as a tar. */
export function makeSmallRootfs(tar: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-small-rootfs-'));
  try {
    const put = (path: string, text = path, mode = 0o644) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text, { mode });
    };
    for (const name of ['order', 'builtin', 'builtin.modinfo', 'dep']) {
      put(`usr/lib/modules/${KERNEL}/modules.${name}`, '');
    }
    put(`boot/vmlinuz-${KERNEL}`);
    put('usr/bin/busybox', '#!/bin/sh\n', 0o755);
    put('usr/lib/shim/shimaa64.efi.signed');
    put('usr/lib/shim/mmaa64.efi.signed');
    put('usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed');
    for (const unit of ['networkd', 'networkd-wait-online', 'resolved', 'timesyncd']) {
      put(`usr/lib/systemd/system/systemd-${unit}.service`, '[Install]\nWantedBy=multi-user.target\n');
    }
    execFileSync('tar', ['--create', '--file', tar, '--directory', folder, '.']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
