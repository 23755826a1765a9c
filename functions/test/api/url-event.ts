/** The event of a request to a function's URL, as AWS Lambda makes it (payload format version 2.0). */
export function urlEvent(
  method: string,
  target: string,
  options: { body?: string; base64?: boolean; userArn?: string } = {},
) {
  const [rawPath = '/', rawQueryString = ''] = target.split('?');
  const { body, base64 = false, userArn } = options;
  return {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers: {},
    requestContext: {
      requestId: 'request-1',
      ...(userArn !== undefined && { authorizer: { iam: { userArn, accessKey: 'ASIAKEY' } } }),
      http: { method, path: rawPath },
    },
    ...(body !== undefined && { body: base64 ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: base64,
  };
}
