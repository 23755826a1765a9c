import { violation } from '../../constraints.js';
import { alreadyExists, invalidInput, limitExceeded, noSuchEntity, validationError } from './errors.js';
import type { IamTables, OidcProvider } from './tables.js';

/** OpenID Connect providers: who, besides the account, may vouch for those who assume roles. */
export interface OidcProviders {
  find(arn: string): OidcProvider | undefined;
  /** The provider of an issuer's URL. */
  byUrl(url: string): OidcProvider | undefined;
  /** @throws NoSuchEntityException. */
  get(arn: string): OidcProvider;
  /** @throws EntityAlreadyExistsException; there is one of each URL in an account. */
  create(draft: Pick<OidcProvider, 'url' | 'clientIds' | 'thumbprints' | 'tags'>): OidcProvider;
  setThumbprints(arn: string, thumbprints: readonly string[]): void;
  setClientIds(arn: string, clientIds: readonly string[]): void;
  setTags(arn: string, tags: Record<string, string>): void;
  /** That there is none is no failure. */
  delete(arn: string): void;
  /** In order of their ARNs. */
  all(): OidcProvider[];
}

/** Quotas (IAM user guide, "IAM and AWS STS quotas"). */
const MOST = { providers: 100, clientIds: 100, thumbprints: 5 } as const;

export function oidcProviders(
  { oidcProviders: table }: Pick<IamTables, 'oidcProviders'>,
  { accountId, now }: { accountId: string; now: () => number },
): OidcProviders {
  const arnOf = (url: string) => oidcProviderArn(accountId, url);
  const get = (arn: string) => {
    const provider = table.get(arn);
    if (provider) return provider;
    if (!/^arn:aws:iam::\d{12}:oidc-provider\/.+$/.test(arn)) throw validationError(`Invalid ARN: ${arn}`);
    throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
  };
  const change = (arn: string, changed: Partial<OidcProvider>) => {
    table.put(arn, { ...get(arn), ...changed });
  };
  const all = () => [...table.entries()].map(([, provider]) => provider);

  return {
    find: (arn) => table.get(arn),
    byUrl: (url) => all().find((provider) => provider.url === url),
    get,
    create({ url, clientIds, thumbprints, tags }) {
      checkUrl(url);
      checkClientIds(clientIds);
      checkThumbprints(thumbprints);
      const arn = arnOf(url);
      if (table.get(arn)) throw alreadyExists(`Provider with url ${url} already exists.`);
      if (all().length >= MOST.providers) {
        throw limitExceeded(`Cannot exceed quota for OpenIdConnectProvidersPerAccount: ${MOST.providers}`);
      }
      const provider = { arn, url, clientIds: unique(clientIds), thumbprints, tags, created: now() };
      table.put(arn, provider);
      return provider;
    },
    setThumbprints(arn, thumbprints) {
      checkThumbprints(thumbprints);
      change(arn, { thumbprints });
    },
    setClientIds(arn, clientIds) {
      checkClientIds(clientIds);
      change(arn, { clientIds: unique(clientIds) });
    },
    setTags: (arn, tags) => change(arn, { tags }),
    delete: (arn) => table.delete(arn),
    all,
  };
}

/** The ARN of the provider of an issuer's URL: the URL without its scheme names it. */
export function oidcProviderArn(accountId: string, url: string): string {
  return `arn:aws:iam::${accountId}:oidc-provider/${withoutScheme(url)}`;
}

/** A provider's URL as IAM tells it, and as it is in condition keys (`{host}:aud`). */
export function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, '');
}

/** Whether an issuer is on this machine, where it needs no TLS to be believed. */
export function isLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/**
 * IAM takes HTTPS only; here an issuer on this machine may be reached over plain HTTP too.
 *
 * @throws AwsError `ValidationError`, InvalidInputException.
 */
function checkUrl(url: string): void {
  if (url.length < 1 || url.length > 255) {
    throw validationError(
      violation(
        url,
        'url',
        'Member must have length between 1 and 255, as it names an OpenID Connect issuer',
      ),
    );
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed && !parsed.search && !parsed.hash && !parsed.username && !parsed.password;
  if (isPlain && (parsed.protocol === 'https:' || isLoopback(url))) return;
  throw invalidInput('Invalid Open ID Connect Provider URL');
}

function checkClientIds(clientIds: readonly string[]): void {
  const wrong = clientIds.find((id) => id.length < 1 || id.length > 255);
  if (wrong !== undefined) {
    throw validationError(violation(wrong, 'clientID', 'Member must have length between 1 and 255'));
  }
  if (clientIds.length > MOST.clientIds) {
    throw limitExceeded(`Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${MOST.clientIds}`);
  }
}

function checkThumbprints(thumbprints: readonly string[]): void {
  if (thumbprints.length > MOST.thumbprints)
    throw invalidInput('Thumbprint list must contain fewer than 5 entries.');
  const wrong = thumbprints.find((print) => !/^[0-9a-f]{40}$/i.test(print));
  if (wrong !== undefined) {
    throw validationError(violation(wrong, 'thumbprint', 'Member must have length 40 and be hexadecimal'));
  }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
