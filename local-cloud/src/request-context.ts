import type { ConditionContext } from './policy/index.js';
import type { Call, Principal } from './service.js';

/**
 * The global condition keys of a call at `now`, in milliseconds since 1970 (IAM user guide, "AWS global condition context keys").
 */
export function requestContext(call: Call, now: number): ConditionContext {
  const { principal, request, accountId, region } = call;
  const context = new Map<string, string>([
    ['aws:securetransport', String(request.secure)],
    ['aws:sourceip', request.sourceIp],
    ['aws:currenttime', new Date(now).toISOString()],
    ['aws:epochtime', String(Math.floor(now / 1000))],
    ['aws:requestedregion', region],
    ['aws:viaawsservice', 'false'],
  ]);
  const { 'user-agent': userAgent, referer } = request.headers;
  if (userAgent !== undefined) context.set('aws:useragent', userAgent);
  if (referer !== undefined) context.set('aws:referer', referer);
  if (principal.kind === 'anonymous') {
    context.set('aws:principaltype', 'Anonymous');
    return context;
  }
  context.set('aws:principalaccount', accountId);
  if (principal.kind === 'account') {
    context.set('aws:principaltype', 'Account');
    context.set('aws:principalarn', principal.arn);
  } else if (principal.kind === 'role') {
    context.set('aws:principaltype', 'AssumedRole');
    context.set('aws:principalarn', `arn:aws:iam::${accountId}:role/${principal.roleName}`);
    for (const [name, value] of identityContext(principal)) context.set(name, value);
  }
  return context;
}

/** The condition keys of credentials that Amazon Cognito got (IAM user guide, "Available keys for AWS web identity federation"). */
export function identityContext({ identity }: Principal & { kind: 'role' }): [string, string][] {
  if (!identity) return [];
  const { identityId, identityPoolId, authenticated } = identity;
  return [
    ['cognito-identity.amazonaws.com:sub', identityId],
    ['cognito-identity.amazonaws.com:aud', identityPoolId],
    ['cognito-identity.amazonaws.com:amr', authenticated ? 'authenticated' : 'unauthenticated'],
  ];
}
