// A local cloud in a process of its own, for crash.test.ts to kill: state directory in, endpoint out.
import { startLocalCloud } from '../../dist/index.js';

const cloud = await startLocalCloud({
  stateDirectory: process.argv[2],
  ports: { http: 0, mqtt: 0, https: 0 },
});
process.send({ endpoint: cloud.endpointUrl });
process.once('disconnect', () => process.exit());
