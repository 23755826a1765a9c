#!/usr/bin/env node
// The `docker` command of a device without a container engine; its shell runs the script that comes on descriptor 3.
import { writeSync } from 'node:fs';
import { runDocker } from '../dist/containers/docker-command.js';

const [root, imageStore, shellPid, ...args] = process.argv.slice(2);
const { script, exitCode } = await runDocker({ root, imageStore, shellPid: Number(shellPid), args });
if (script !== '') {
  let rest = Buffer.from(script, 'utf8');
  while (rest.length > 0) rest = rest.subarray(writeSync(3, rest));
}
process.exitCode = exitCode;
