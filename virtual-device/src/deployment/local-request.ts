import { z } from 'zod';
import type { EffectiveConfig } from '../config/effective-config.js';
import type { JsonValue, LocalDeploymentRequest } from '../ipc/capabilities.js';
import { type DeploymentDocument, localDocument, localGroup } from './document.js';
import type { Deployment } from './journal.js';

const Json: z.ZodType<JsonValue> = z.json();
const Names = z.record(z.string(), z.string());

/** A local deployment's request as the journal has it. */
const StoredRequest = z.object({
  groupName: z.string().optional(),
  rootComponentVersionsToAdd: Names.optional(),
  rootComponentsToRemove: z.array(z.string()).optional(),
  componentToConfiguration: z.record(z.string(), Json).optional(),
  componentToRunWithInfo: z
    .record(
      z.string(),
      z.object({
        posixUser: z.string().optional(),
        systemResourceLimits: z
          .object({ memory: z.number().optional(), cpus: z.number().optional() })
          .optional(),
      }),
    )
    .optional(),
  recipeDirectoryPath: z.string().optional(),
  artifactsDirectoryPath: z.string().optional(),
  failureHandlingPolicy: z.enum(['ROLLBACK', 'DO_NOTHING']).optional(),
});
type StoredRequest = z.infer<typeof StoredRequest>;

export function parseLocalRequest(text: string): StoredRequest {
  return StoredRequest.parse(JSON.parse(text));
}

/** The whole of what a local deployment asks for, given the roots that groups have. @throws DeploymentError */
export function documentOfLocal(
  deployment: Deployment,
  groups: EffectiveConfig['groups'],
): DeploymentDocument {
  const request = parseLocalRequest(deployment.document) as LocalDeploymentRequest;
  const group = localGroup(request);
  const members = Object.hasOwn(groups, group) ? (groups[group] ?? {}) : {};
  const current = Object.fromEntries(Object.entries(members).map(([name, { version }]) => [name, version]));
  return localDocument(deployment.id, request, current, deployment.offer);
}
