// A broker in a process of its own, for crash.test.ts to kill: state directory in, port out.
import { createServer } from 'node:net';
import { systemClock } from '../../dist/clock.js';
import { createBroker } from '../../dist/mqtt/index.js';
import { openStore } from '../../dist/store/store.js';

const broker = createBroker({
  store: openStore(process.argv[2]),
  clock: systemClock,
  authorizer: {
    connect: () => ({ allowed: true }),
    publish: () => true,
    subscribe: () => true,
    receive: () => true,
  },
  log: () => {},
});
const server = createServer({ noDelay: true }, (socket) => broker.accept(socket, undefined));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.once('disconnect', () => process.exit());
