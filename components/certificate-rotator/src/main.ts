import { runComponent } from '../../runtime/src/component.js';
import { watchCertificate } from './certificate-watch.js';

void runComponent(async ({ clock, env, log, onStop, fail }) => {
  onStop(watchCertificate(env.CERTIFICATE_FILE ?? '', { clock, now: Date.now, log, fail }));
});
