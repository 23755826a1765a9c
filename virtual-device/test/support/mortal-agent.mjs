// A device in a process that ends as by a power cut, at the stage of a deployment that it is told. Its pauses are short.
import { startDevice, systemClock } from '../../dist/index.js';

const { root, initConfig, stage } = JSON.parse(process.argv[2]);
const clock = {
  now: () => Date.now(),
  after: (delay, work) => systemClock.after(delay <= 1_000 ? Math.min(delay, 30) : delay, work),
};
const device = await startDevice({
  root,
  initConfig,
  clock,
  onEvent(event) {
    process.stdout.write(`${JSON.stringify(event)}\n`);
    if (event.event === 'deployment-stage' && event.stage === stage) process.kill(process.pid, 'SIGKILL');
  },
});
process.on('SIGTERM', () => void device.stop());
await device.stopped;
