import { DeviceError } from '../errors.js';

/** An image's name in its parts, as Docker reads it. */
export interface ImageReference {
  /** Host, and port if any; `docker.io` when the name has none. */
  readonly registry: string;
  readonly repository: string;
  /** `latest` when the name has neither tag nor digest. */
  readonly tag: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined;
  /** The whole name, with all that is implied. */
  readonly canonical: string;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST = '(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+\\])(?::[0-9]{1,5})?';
const NAME = new RegExp(
  `^(?:(${HOST})/)?(${COMPONENT}(?:/${COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

/**
 * Parses `[registry/]name[:tag][@digest]` (the grammar of the distribution project's reference package).
 *
 * @throws DeviceError ARTIFACT_INVALID
 */
export function parseReference(text: string): ImageReference {
  const [first = ''] = text.split('/', 1);
  const namesHost = text.includes('/') && (/[.:[]/.test(first) || first === 'localhost');
  const match = NAME.exec(namesHost ? text : `docker.io/${text}`);
  const [, registry, repository, tag, digest] = match ?? [];
  if (registry === undefined || repository === undefined) {
    throw new DeviceError(
      'ARTIFACT_INVALID',
      `"${text}" names no image; it must be [registry/]name[:tag][@sha256:digest].`,
    );
  }
  const isOfficial = registry === 'docker.io' && !repository.includes('/');
  const path = isOfficial ? `library/${repository}` : repository;
  const effectiveTag = tag ?? (digest === undefined ? 'latest' : undefined);
  const suffix = `${effectiveTag === undefined ? '' : `:${effectiveTag}`}${digest === undefined ? '' : `@${digest}`}`;
  return {
    registry,
    repository: path,
    tag: effectiveTag,
    digest,
    canonical: `${registry}/${path}${suffix}`,
  };
}

/** Whether a `host[:port]` is this machine's own, where registries speak plain HTTP. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The base URL of a registry's distribution API. */
export function registryUrl(registry: string): string {
  if (registry === 'docker.io') return 'https://registry-1.docker.io';
  return `${isLoopback(registry) ? 'http' : 'https'}://${registry}`;
}
