import { interpolate, type Output } from '@pulumi/pulumi';
import { dashboardFunctions } from './dashboard-functions.js';
import { dashboardSignIn } from './dashboard-sign-in.js';
import { dashboardSite } from './dashboard-site.js';
import { dashboardVisitors } from './dashboard-visitors.js';
import type { FunctionInputs } from './lambda-function.js';
import type { Place } from './place.js';
import type { Storage } from './storage.js';

export interface DashboardSettings {
  /** Days for which the table of events keeps its items. */
  readonly eventDays: number;
  /** Whether those who did not sign in may look. */
  readonly guests: boolean;
  /** Origins of pages that may ask the functions; `*` on AWS, where the page's own is not known before it is there. */
  readonly origins: readonly string[];
  /** Origins of AWS's APIs as a browser reaches them; AWS's own when it is not set. */
  readonly connectSources: readonly string[] | undefined;
}

/** The web page of the fleet, who may see it, and the functions that it asks. */
export function dashboard(
  place: Place,
  functions: FunctionInputs,
  { dashboard: bucket }: Storage,
  { eventDays, guests, origins, connectSources }: DashboardSettings,
): { readonly distributionId: Output<string>; readonly domainName: Output<string> } {
  const signIn = dashboardSignIn(guests);
  const asked = dashboardFunctions(place, { ...functions, eventDays, signIn, origins });
  dashboardVisitors(place, signIn, guests);
  const distribution = dashboardSite(place, bucket, [
    ...[asked.session, asked.reader, asked.operator].map(({ url }) =>
      url.apply((text) => new URL(text).origin),
    ),
    ...(connectSources ?? awsEndpoints(place)).map((source) => interpolate`${source}`),
  ]);
  return { distributionId: distribution.awsId, domainName: distribution.domainName };
}

/** Where a browser finds AWS's APIs; the name of an account's AWS IoT endpoint begins with letters of its own. */
function awsEndpoints({ region }: Place): string[] {
  return [
    `https://cognito-idp.${region}.amazonaws.com`,
    `https://cognito-identity.${region}.amazonaws.com`,
    `wss://*.iot.${region}.amazonaws.com`,
  ];
}
