import {
  type Deployment,
  type GreengrassV2Client,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import type { DeploymentSummary, DeploymentsPage } from '@mooring/contracts';
import { z } from 'zod';
import { readNext, withToken, writeNext } from '../api/next-token.js';

/** Where a page begins. */
const Position = z.object({ token: z.string() });

/** Deployments of a page. */
const PAGE = 50;

/** The revisions of the fleet's deployment, the latest first. */
export async function deployments(
  next: string | undefined,
  greengrass: GreengrassV2Client,
  targetArn: string,
  abortSignal: AbortSignal,
): Promise<DeploymentsPage> {
  const token = readNext(Position, next)?.token;
  const page = await withToken(token, () =>
    greengrass.send(
      new ListDeploymentsCommand({ targetArn, historyFilter: 'ALL', maxResults: PAGE, nextToken: token }),
      { abortSignal },
    ),
  );
  return {
    deployments: (page.deployments ?? []).map(summaryOf),
    ...(page.nextToken !== undefined && { next: writeNext({ token: page.nextToken }) }),
  };
}

function summaryOf(deployment: Deployment): DeploymentSummary {
  return {
    deploymentId: deployment.deploymentId ?? '',
    revision: deployment.revisionId ?? '',
    name: deployment.deploymentName,
    status: deployment.deploymentStatus ?? 'UNKNOWN',
    created: deployment.creationTimestamp?.getTime(),
    latest: deployment.isLatestForTarget ?? false,
  };
}
