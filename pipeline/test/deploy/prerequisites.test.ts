import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type AwsSurroundings,
  checkPrerequisites,
  PrerequisiteError,
} from '../../src/deploy/prerequisites.js';

const disposers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposers.splice(0).reverse()) await dispose();
});

/** A PATH on which `pulumi` is this shell script, or nothing. */
function path(script?: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-pulumi-'));
  disposers.push(() => rmSync(directory, { recursive: true }));
  if (script !== undefined) {
    writeFileSync(join(directory, 'pulumi'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, 'pulumi'), 0o755);
  }
  return directory;
}

/** An STS that gives one answer. */
async function sts(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const IDENTITY =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
  '<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>u</UserId>' +
  '</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>';
const REFUSAL =
  '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
  '<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message>' +
  '</Error><RequestId>r</RequestId></ErrorResponse>';

const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 's' });
const noCredentials = async () => {
  throw Object.assign(new Error('Could not load credentials from any providers'), {
    name: 'CredentialsProviderError',
  });
};

async function missing(surroundings: Partial<AwsSurroundings>): Promise<readonly string[]> {
  const error = await checkPrerequisites({
    stack: 'dev',
    region: 'eu-west-1',
    credentials,
    env: { PATH: path('echo v3.248.0') },
    endpoint: await sts(200, IDENTITY),
    ...surroundings,
  }).catch((reason: unknown) => reason);
  if (!(error instanceof PrerequisiteError))
    throw new Error(`no prerequisite was missing: ${JSON.stringify(error)}`);
  return error.missing;
}

describe('checkPrerequisites', () => {
  it.each(['v3.248.0', 'v3.248.1', '3.300.0', 'v3.249.0-alpha.1'])(
    'is content with Pulumi %s',
    async (version) => {
      const found = await checkPrerequisites({
        stack: 'dev',
        region: 'eu-west-1',
        credentials,
        env: { PATH: path(`echo ${version}`) },
        endpoint: await sts(200, IDENTITY),
      });
      expect(found).toEqual({ region: 'eu-west-1', account: '123456789012' });
    },
  );

  it('names all that is missing at once, each with what to do', async () => {
    const error = await checkPrerequisites({
      stack: 'prod',
      region: undefined,
      credentials: noCredentials,
      env: { PATH: path(), AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' },
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PrerequisiteError);
    expect(String(error instanceof Error && error.message)).toBe(
      [
        'Cannot deploy the stack prod to AWS yet:',
        '  - requests would not go to AWS (AWS_ENDPOINT_URL=http://127.0.0.1:4566): unset AWS_ENDPOINT_URL, or use --stack local',
        '  - the pulumi command is not on the PATH: install Pulumi 3.248.0 or a later 3.x (curl -fsSL https://get.pulumi.com | sh -s -- --version 3.248.0)',
        '  - No AWS credentials were found: sign in (for example `aws sso login`) or set AWS_PROFILE',
        '  - no AWS region is set: set AWS_REGION, for example AWS_REGION=eu-central-1',
      ].join('\n'),
    );
  });

  it('refuses an endpoint for one service as well, and asks nobody who the caller is', async () => {
    const env = {
      PATH: path('echo v3.248.0'),
      AWS_ENDPOINT_URL: '',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
    };
    const [problem, ...more] = await missing({ env, endpoint: await sts(403, REFUSAL) });
    expect(problem).toMatch(
      /^requests would not go to AWS \(AWS_ENDPOINT_URL_S3=\S+\): unset AWS_ENDPOINT_URL_S3,/,
    );
    expect(more).toEqual([]);
  });

  it.each(['v3.247.9', 'v2.300.0', 'v4.0.0'])('refuses Pulumi %s', async (version) => {
    expect(await missing({ env: { PATH: path(`echo ${version}`) } })).toEqual([
      expect.stringContaining(`the pulumi command is of version ${version}: install Pulumi 3.248.0`),
    ]);
  });

  it.each([
    ['echo nonsense', /does not tell its version \(nonsense\)/],
    ['echo broken >&2; exit 3', /does not work/],
  ])('refuses a command that does "%s"', async (script, message) => {
    expect(await missing({ env: { PATH: path(script) } })).toEqual([expect.stringMatching(message)]);
  });

  it('refuses credentials that AWS refuses', async () => {
    expect(await missing({ endpoint: await sts(403, REFUSAL) })).toEqual([
      expect.stringMatching(
        /AWS does not accept the credentials \(InvalidClientTokenId: .*\): sign in again/,
      ),
    ]);
  });
});
