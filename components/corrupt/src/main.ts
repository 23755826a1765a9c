import { processLog } from '../../runtime/src/log.js';

// Needs nothing of the core device: that it runs at all is what it has to say.
processLog.info(`docker_corrupt runs: its image is of this machine's architecture, ${process.arch}.`);
