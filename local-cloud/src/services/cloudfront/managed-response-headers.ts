import type {
  ResponseHeadersPolicyConfig,
  ResponseHeadersPolicyCorsConfig,
  ResponseHeadersPolicySecurityHeadersConfig,
} from '@aws-sdk/client-cloudfront';

const anyItem = { Quantity: 1, Items: ['*'] };

const simpleCors: ResponseHeadersPolicyCorsConfig = {
  AccessControlAllowOrigins: anyItem,
  AccessControlAllowHeaders: anyItem,
  AccessControlAllowMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
  AccessControlAllowCredentials: false,
  OriginOverride: false,
};

const corsWithPreflight: ResponseHeadersPolicyCorsConfig = {
  ...simpleCors,
  AccessControlAllowMethods: {
    Quantity: 7,
    Items: ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
  },
  AccessControlExposeHeaders: anyItem,
};

const security: ResponseHeadersPolicySecurityHeadersConfig = {
  XSSProtection: { Override: false, Protection: true, ModeBlock: true },
  FrameOptions: { Override: false, FrameOption: 'SAMEORIGIN' },
  ReferrerPolicy: { Override: false, ReferrerPolicy: 'strict-origin-when-cross-origin' },
  ContentTypeOptions: { Override: true },
  StrictTransportSecurity: { Override: false, AccessControlMaxAgeSec: 31_536_000 },
};

/** The policies that AWS manages, by id (CloudFront developer guide, "Use managed response headers policies"). */
export const MANAGED_RESPONSE_HEADERS: ReadonlyMap<string, ResponseHeadersPolicyConfig> = new Map([
  ['60669652-455b-4ae9-85a4-c4c02393f86c', { Name: 'Managed-SimpleCORS', CorsConfig: simpleCors }],
  [
    '5cc3b908-e619-4b99-88e5-2cf7f45965bd',
    { Name: 'Managed-CORS-With-Preflight', CorsConfig: corsWithPreflight },
  ],
  [
    '67f7725c-6f97-4210-82d7-5512b31e9d03',
    { Name: 'Managed-SecurityHeadersPolicy', SecurityHeadersConfig: security },
  ],
  [
    'e61eb60c-9c35-4d20-a928-2b84e02af89c',
    {
      Name: 'Managed-CORS-and-SecurityHeadersPolicy',
      CorsConfig: simpleCors,
      SecurityHeadersConfig: security,
    },
  ],
  [
    'eaab4381-ed33-4a86-88ca-d9558dc6cd63',
    {
      Name: 'Managed-CORS-with-preflight-and-SecurityHeadersPolicy',
      CorsConfig: corsWithPreflight,
      SecurityHeadersConfig: security,
    },
  ],
]);
