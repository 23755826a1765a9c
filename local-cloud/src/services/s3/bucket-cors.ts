import type { CORSRule } from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import type { S3Operations, S3State } from './state.js';

const METHODS = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE']);
/** Most rules of a bucket (S3 API reference, PutBucketCors). */
const MOST_RULES = 100;

/** PutBucketCors, GetBucketCors, DeleteBucketCors. */
export function bucketCorsOperations({ buckets }: S3State): S3Operations {
  return {
    GetBucketCors({ Bucket: name = '' }) {
      const { cors } = buckets.get(name);
      if (cors) return { CORSRules: [...cors] };
      throw new AwsError('NoSuchCORSConfiguration', 'The CORS configuration does not exist', 404, {
        BucketName: name,
      });
    },
    PutBucketCors({ Bucket: name = '', CORSConfiguration: given }) {
      buckets.change(name, { cors: checkedRules(given?.CORSRules ?? []) });
      return {};
    },
    DeleteBucketCors({ Bucket: name = '' }) {
      buckets.change(name, { cors: undefined });
      return {};
    },
  };
}

/** @throws AwsError `MalformedXML`, `InvalidRequest`. */
export function checkedRules(rules: readonly CORSRule[]): CORSRule[] {
  if (rules.length === 0 || rules.length > MOST_RULES) throw malformed();
  for (const rule of rules) {
    const { AllowedMethods = [], AllowedOrigins = [], AllowedHeaders = [], ExposeHeaders = [] } = rule;
    if (AllowedMethods.length === 0 || AllowedOrigins.length === 0) throw malformed();
    const odd = AllowedMethods.find((method) => !METHODS.has(method));
    if (odd !== undefined) {
      throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${odd}`);
    }
    for (const [member, patterns] of [
      ['AllowedOrigin', AllowedOrigins],
      ['AllowedHeader', AllowedHeaders],
    ] as const) {
      const wild = patterns.find((pattern) => pattern.split('*').length > 2);
      if (wild !== undefined) throw invalid(`${member} "${wild}" can not have more than one wildcard.`);
    }
    const exposed = ExposeHeaders.find((header) => !/^[!#$%&'+.^_`|~0-9A-Za-z-]+$/.test(header));
    if (exposed !== undefined) {
      throw invalid(`ExposeHeader "${exposed}" contains wildcard. We currently do not support wildcard.`);
    }
  }
  return rules.map((rule) => ({ ...rule }));
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidRequest', message);
}

function malformed(): AwsError {
  return new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}
