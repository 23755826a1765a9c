import type { Timer } from '../../clock.js';
import type { Base } from '../../plugin.js';
import type { Images } from './images.js';
import { expiredImages, readLifecyclePolicy } from './lifecycle-policy.js';
import type { Registry } from './registry.js';
import type { RepositoryRecord } from './tables.js';

/** How often it is done, in milliseconds; ECR promises it within a day (user guide, "Lifecycle policies"). */
const INTERVAL = 60 * 60 * 1000;

/** Removes at the start, and every hour, what lifecycle policies expire and what nothing names any more. */
export function housekeeping(registry: Registry, images: Images, { clock, log }: Base): { close(): void } {
  let timer: Timer;
  const work = () => {
    for (const repository of [...registry.repositories()]) expire(repository);
    registry.removeUnused();
    timer = clock.after(INTERVAL, work);
  };

  function expire(repository: RepositoryRecord): void {
    const { name, lifecyclePolicy } = repository;
    if (lifecyclePolicy === undefined) return;
    const digests = expiredImages(readLifecyclePolicy(lifecyclePolicy), registry.images(name), clock.now());
    for (const digest of digests) {
      const image = registry.image(name, digest);
      // An image stays as long as an index names it.
      if (!image || images.indexOf(name, digest)) continue;
      registry.deleteImage(name, image);
      log('info', 'The lifecycle policy of a repository expired an image', { repository: name, digest });
    }
    registry.putRepository({ ...repository, evaluated: clock.now() });
  }

  work();
  return { close: () => timer.cancel() };
}
