import { containerComponents } from '@mooring/contracts';
import { Repository } from '@pulumi/aws-native/ecr/index.js';

/**
 * One repository for the images of each container component. A recipe names its image by digest, and a
 * published image always has a tag, so only what was pushed and never published is untagged: that may go. The
 * manifests below an image index count as untagged too, but are never expired before their index is (Amazon ECR
 * user guide, "Lifecycle policies").
 */
export function containerRegistry(): Repository[] {
  return containerComponents.map(
    (repositoryName) =>
      new Repository(`${repositoryName.replaceAll('_', '-')}-repository`, {
        repositoryName,
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: { encryptionType: 'AES256' },
        lifecyclePolicy: { lifecyclePolicyText: JSON.stringify(LIFECYCLE_POLICY) },
        // An image can be built again, to the same digest; publishing brings back what is missing.
        emptyOnDelete: true,
      }),
  );
}

const LIFECYCLE_POLICY = {
  rules: [
    {
      rulePriority: 1,
      description: 'Layers of pushes that nobody finished',
      selection: {
        tagStatus: 'untagged',
        countType: 'sinceImagePushed',
        countUnit: 'days',
        countNumber: 7,
      },
      action: { type: 'expire' },
    },
  ],
} as const;
