import { accountTags, names, workflowTokens } from '@mooring/contracts';
import { ManagedPolicy, OidcProvider, Role } from '@pulumi/aws-native/iam/index.js';
import pulumi, { type Output } from '@pulumi/pulumi';
import { boundaryStatements } from './pipeline-policies/roles.js';
import { pipelinePolicies } from './pipeline-policies.js';
import { currentPlace } from './place.js';
import { type PolicyDocument, policyDocument } from './policy-document.js';

/** GitHub Docs, "Configuring OpenID Connect in Amazon Web Services". */
const { issuer, audience } = workflowTokens;

export interface PipelineAccessInputs {
  /** The stack; it is also the name of the GitHub environment whose jobs may assume the role. */
  readonly stack: string;
  /** `owner/name`. */
  readonly repository: string;
  /** ARN of GitHub's provider where the account has one of somebody else's making; there can only be one. */
  readonly existingProvider?: string;
}

/**
 * A second Pulumi program, deployed once by a person before any pipeline can run: GitHub's OpenID Connect provider,
 * and the role that the workflows of one repository assume in one of its environments, without any key that is kept.
 */
export async function pipelineAccess(inputs: PipelineAccessInputs): Promise<{ roleArn: Output<string> }> {
  const { stack, repository, existingProvider } = inputs;
  const place = await currentPlace();
  const tags = [
    { key: accountTags.stack, value: stack },
    { key: accountTags.region, value: place.region },
  ];
  const provider =
    existingProvider ??
    new OidcProvider('github', { url: `https://${issuer}`, clientIdList: [audience], tags }).arn;
  const policies = Object.entries(pipelinePolicies(place, stack)).map(
    ([name, { description, document }]) =>
      new ManagedPolicy(`pipeline-${name.toLowerCase()}`, {
        managedPolicyName: `${names.pipelineRole}${name}`,
        description,
        policyDocument: document,
      }),
  );
  new ManagedPolicy('roles-boundary', {
    managedPolicyName: names.rolesBoundary,
    description: 'The most that a role which the pipeline makes can be allowed',
    policyDocument: policyDocument(...boundaryStatements(place)),
  });
  const role = new Role('pipeline-role', {
    roleName: names.pipelineRole,
    description: `Assumed by the workflows of ${repository} in its environment ${stack}`,
    assumeRolePolicyDocument: pulumi.output(provider).apply((arn) => trust(arn, repository, stack)),
    managedPolicyArns: policies.map((policy) => policy.policyArn),
    maxSessionDuration: 3600,
    tags,
  });
  return { roleArn: role.arn };
}

/** Whoever shows a token of a job of this repository, in this environment, that was made for AWS. */
function trust(provider: string, repository: string, stack: string): PolicyDocument {
  return policyDocument({
    Effect: 'Allow',
    Principal: { Federated: provider },
    Action: ['sts:AssumeRoleWithWebIdentity'],
    Condition: {
      StringEquals: {
        [`${issuer}:aud`]: audience,
        [`${issuer}:sub`]: `repo:${repository}:environment:${stack}`,
      },
    },
  });
}
