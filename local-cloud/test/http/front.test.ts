import { CloudControlClient, ListResourcesCommand } from '@aws-sdk/client-cloudcontrol';
import { IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';

let cloud: LocalCloud;
beforeAll(async () => {
  cloud = await startCloud();
});

function signedFor(scope: string): string {
  return `AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/${scope}/aws4_request, SignedHeaders=host, Signature=0`;
}

test.each([
  ['elasticache', 'application/x-www-form-urlencoded; charset=utf-8'],
  ['route53', 'application/xml'],
])('a service that is not there and speaks XML is named in XML: %s', async (scope, type) => {
  const answer = await fetch(cloud.endpointUrl, {
    method: 'POST',
    headers: { authorization: signedFor(scope), 'content-type': type },
    body: 'Action=ListTopics&Version=2010-03-31',
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([501, 'text/xml']);
  expect(await answer.text()).toMatch(
    new RegExp(
      `^<ErrorResponse><Error><Type>Receiver</Type><Code>UnknownService</Code><Message>.*${scope}.*</Message></Error><RequestId>.+</RequestId></ErrorResponse>$`,
    ),
  );
});

test('a service that is not there and speaks JSON is named in JSON', async () => {
  const answer = await fetch(cloud.endpointUrl, {
    method: 'POST',
    headers: { authorization: signedFor('kinesis'), 'content-type': 'application/x-amz-json-1.0' },
    body: '{}',
  });
  expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([501, 'UnknownService']);
  expect(await answer.json()).toMatchObject({ __type: 'UnknownService' });
});

test('refused credentials are told in the codes of the protocol', async () => {
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  const madeUp = { accessKeyId: 'ASIAMADEUP', secretAccessKey: 'x', sessionToken: 'y' };
  const refused = { ...config, credentials: madeUp };
  await expect(new STSClient(refused).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'InvalidClientTokenId',
    $metadata: { httpStatusCode: 403 },
  });
  await expect(new IoTClient(refused).send(new ListThingsCommand({}))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
    $metadata: { httpStatusCode: 403 },
  });
  const list = new ListResourcesCommand({ TypeName: 'AWS::IoT::Thing' });
  await expect(new CloudControlClient(refused).send(list)).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
    $metadata: { httpStatusCode: 400 },
  });
});

test.each([
  ['a header of Signature Version 2', '/bucket/key', { authorization: 'AWS test:c2lnbmF0dXJl' }],
  ['a URL of Signature Version 2', '/bucket/key?AWSAccessKeyId=test&Expires=1&Signature=c2ln', {}],
  ['a password', '/bucket/key', { authorization: 'Basic dGVzdDp0ZXN0' }],
])('%s is no anonymous request, and the caller is told what to use', async (_what, path, headers) => {
  const answer = await fetch(`${cloud.endpointUrl}${path}`, { headers });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(
    '<Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.</Message>',
  );
});
