import { bucketNames, names } from '@mooring/contracts';
import {
  Distribution,
  OriginAccessControl,
  ResponseHeadersPolicy,
} from '@pulumi/aws-native/cloudfront/index.js';
import type { Bucket } from '@pulumi/aws-native/s3/index.js';
import { all, type Output } from '@pulumi/pulumi';
import { bucketArn, type Place } from './place.js';
import type { Statement } from './policy-document.js';
import { bucketPolicy } from './storage.js';

/** CloudFront's managed cache policy `CachingOptimized` (CloudFront developer guide, "Use managed cache policies"). */
const CACHING_OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6';
const YEAR = 31_536_000;

/**
 * The page: files of a private bucket that CloudFront alone may read, with headers that let the page load nothing from
 * elsewhere and speak to nobody but its cloud.
 *
 * @param connectsTo origins that the page calls.
 */
export function dashboardSite(
  place: Place,
  bucket: Bucket,
  connectsTo: readonly Output<string>[],
): Distribution {
  const bucketName = bucketNames(place.account, place.region).dashboard;
  const access = new OriginAccessControl('dashboard-access', {
    originAccessControlConfig: {
      name: bucketName,
      description: 'CloudFront reads the files of the dashboard',
      originAccessControlOriginType: 's3',
      signingBehavior: 'always',
      signingProtocol: 'sigv4',
    },
  });
  const headers = new ResponseHeadersPolicy('dashboard-headers', {
    responseHeadersPolicyConfig: {
      name: `${names.dashboardSite}-${place.region}`,
      comment: 'What the dashboard may load, and whom it may speak to',
      securityHeadersConfig: {
        contentSecurityPolicy: {
          contentSecurityPolicy: all([...connectsTo]).apply(contentSecurityPolicy),
          override: true,
        },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: 'DENY', override: true },
        referrerPolicy: { referrerPolicy: 'no-referrer', override: true },
        strictTransportSecurity: { accessControlMaxAgeSec: YEAR, override: true },
      },
    },
  });
  const distribution = new Distribution('dashboard', {
    distributionConfig: {
      enabled: true,
      comment: 'The dashboard of the fleet',
      defaultRootObject: 'index.html',
      httpVersion: 'http2and3',
      ipv6Enabled: true,
      priceClass: 'PriceClass_100',
      origins: [
        {
          id: 'files',
          domainName: `${bucketName}.s3.${place.region}.amazonaws.com`,
          originAccessControlId: access.awsId,
          s3OriginConfig: { originAccessIdentity: '' },
        },
      ],
      defaultCacheBehavior: {
        targetOriginId: 'files',
        viewerProtocolPolicy: 'redirect-to-https',
        allowedMethods: ['GET', 'HEAD'],
        cachedMethods: ['GET', 'HEAD'],
        compress: true,
        cachePolicyId: CACHING_OPTIMIZED,
        responseHeadersPolicyId: headers.awsId,
      },
      viewerCertificate: { cloudFrontDefaultCertificate: true },
    },
  });
  bucketPolicy(place, 'dashboard', bucketName, bucket, [
    distribution.awsId.apply(
      (id): Statement => ({
        Sid: 'CloudFrontReads',
        Effect: 'Allow',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Action: ['s3:GetObject'],
        Resource: [bucketArn(place, bucketName, '*')],
        Condition: {
          StringEquals: {
            'aws:SourceArn': `arn:${place.partition}:cloudfront::${place.account}:distribution/${id}`,
          },
        },
      }),
    ),
  ]);
  return distribution;
}

/** Content Security Policy Level 3: everything is off but what is named. */
function contentSecurityPolicy(connectsTo: readonly string[]): string {
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `manifest-src 'self'`,
    `connect-src 'self' ${connectsTo.join(' ')}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}
