import * as sdk from '@aws-sdk/client-ecr';
import { PolicyDocumentError, parsePolicyDocument } from '../../policy/index.js';
import type { Operations } from '../../service.js';
import { REPOSITORY_POLICY } from './access.js';
import { unsatisfied } from './errors.js';
import type { Images } from './images.js';
import { LifecyclePolicyError, readLifecyclePolicy } from './lifecycle-policy.js';
import type { Registry } from './registry.js';
import type { RepositoryRecord } from './tables.js';

/** Characters of a policy (ECR API reference: SetRepositoryPolicy, PutLifecyclePolicy). */
const LONGEST_POLICY = 10_240;
const LIFECYCLE_LENGTH = { least: 100, most: 30_720 };

/** Repository policies and lifecycle policies. */
export function policyOperations(registry: Registry, images: Images) {
  const about = ({ name }: RepositoryRecord) => ({
    registryId: registry.registryId,
    repositoryName: name,
  });
  const named = ({
    repositoryName = '',
    registryId,
  }: {
    repositoryName?: string | undefined;
    registryId?: string | undefined;
  }) => images.repository(repositoryName, registryId);

  function policyOf(record: RepositoryRecord): string {
    if (record.policy !== undefined) return record.policy;
    throw new sdk.RepositoryPolicyNotFoundException({
      message: `Repository policy does not exist for ${images.where(record.name)}`,
      $metadata: {},
    });
  }

  function lifecycleOf(record: RepositoryRecord): string {
    if (record.lifecyclePolicy !== undefined) return record.lifecyclePolicy;
    throw new sdk.LifecyclePolicyNotFoundException({
      message: `Lifecycle policy does not exist for ${images.where(record.name)}`,
      $metadata: {},
    });
  }

  const lastEvaluatedAt = ({ evaluated }: RepositoryRecord) =>
    evaluated === undefined ? {} : { lastEvaluatedAt: new Date(evaluated) };

  return {
    SetRepositoryPolicy(input: sdk.SetRepositoryPolicyCommandInput) {
      const record = named(input);
      const policy = checkedPolicy(input.policyText ?? '');
      registry.putRepository({ ...record, policy });
      return { ...about(record), policyText: policy };
    },

    GetRepositoryPolicy(input: sdk.GetRepositoryPolicyCommandInput) {
      const record = named(input);
      return { ...about(record), policyText: policyOf(record) };
    },

    DeleteRepositoryPolicy(input: sdk.DeleteRepositoryPolicyCommandInput) {
      const record = named(input);
      const policyText = policyOf(record);
      const { policy: _, ...left } = record;
      registry.putRepository(left);
      return { ...about(record), policyText };
    },

    PutLifecyclePolicy(input: sdk.PutLifecyclePolicyCommandInput) {
      const record = named(input);
      const lifecyclePolicy = checkedLifecyclePolicy(input.lifecyclePolicyText ?? '');
      registry.putRepository({ ...record, lifecyclePolicy });
      return { ...about(record), lifecyclePolicyText: lifecyclePolicy };
    },

    GetLifecyclePolicy(input: sdk.GetLifecyclePolicyCommandInput) {
      const record = named(input);
      return {
        ...about(record),
        lifecyclePolicyText: lifecycleOf(record),
        ...lastEvaluatedAt(record),
      };
    },

    DeleteLifecyclePolicy(input: sdk.DeleteLifecyclePolicyCommandInput) {
      const record = named(input);
      const lifecyclePolicyText = lifecycleOf(record);
      const { lifecyclePolicy: _, evaluated: __, ...left } = record;
      registry.putRepository(left);
      return { ...about(record), lifecyclePolicyText, ...lastEvaluatedAt(record) };
    },
  } satisfies Operations<typeof sdk>;
}

/** @throws InvalidParameterException when it is no policy of a repository. */
export function checkedPolicy(text: string): string {
  if (text.length > LONGEST_POLICY) {
    throw unsatisfied('PolicyText', `must have at most ${LONGEST_POLICY} characters`);
  }
  try {
    parsePolicyDocument(text, REPOSITORY_POLICY);
  } catch (error) {
    if (!(error instanceof PolicyDocumentError)) throw error;
    throw unsatisfied('PolicyText', `Invalid repository policy provided: ${error.message}`);
  }
  return text;
}

/** @throws InvalidParameterException when it is no lifecycle policy. */
export function checkedLifecyclePolicy(text: string): string {
  const { least, most } = LIFECYCLE_LENGTH;
  if (text.length < least || text.length > most) {
    throw unsatisfied('LifecyclePolicyText', `must have ${least} to ${most} characters`);
  }
  try {
    readLifecyclePolicy(text);
  } catch (error) {
    if (!(error instanceof LifecyclePolicyError)) throw error;
    throw unsatisfied('LifecyclePolicyText', `Lifecycle policy validation failure: ${error.message}`);
  }
  return text;
}
