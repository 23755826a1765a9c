import { DescribeCertificateCommand, ListTargetsForPolicyCommand } from '@aws-sdk/client-iot';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { bucketNames, names, objectKeys, ProvisioningConfig, parseAllowlist } from '@mooring/contracts';
import { provision } from '@mooring/pipeline';
import { type Step, see } from '../step.js';

export const setUpProvisioning: Step = {
  step: 2,
  name: 'set up provisioning',
  expected: 'claim certificate made once; endpoints, template name and allowlist in the bucket',
  needs: [1],
  async play(world) {
    const target = await world.target();
    const allowlist = `${world.serials.first}\n`;
    const first = await provision(target, allowlist);
    see(first.claimCertificateCreated, 'the first run made no claim certificate');
    const second = await provision(target, allowlist);
    see(second.changed.length === 0, `the second run changed ${second.changed.join(', ')}`);
    see(
      second.claimCertificateId === first.claimCertificateId,
      'the second run made another claim certificate',
    );

    const { iot, s3 } = await world.clients();
    const { targets = [] } = await iot.send(
      new ListTargetsForPolicyCommand({ policyName: names.claimPolicy }),
    );
    see(targets.length === 1, `${targets.length} certificates carry the claim policy`);
    const { certificateDescription } = await iot.send(
      new DescribeCertificateCommand({ certificateId: first.claimCertificateId }),
    );
    see(
      certificateDescription?.status === 'ACTIVE',
      `the claim certificate is ${certificateDescription?.status}`,
    );

    const Bucket = bucketNames(await world.account(), target.region).provisioning;
    const text = async (Key: string) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString() ?? '';
    const config = ProvisioningConfig.parse(JSON.parse(await text(objectKeys.provisioningConfig)));
    see(
      config.provisioningTemplate === names.provisioningTemplate,
      `the template is ${config.provisioningTemplate}`,
    );
    const listed = [...parseAllowlist(await text(objectKeys.allowlist))];
    see(
      listed.length === 1 && listed[0] === world.serials.first,
      `the allowlist in the bucket has ${listed.join(', ')}`,
    );
    see(
      (await text(objectKeys.claimPrivateKey)).includes('PRIVATE KEY'),
      'the claim key is not in the bucket',
    );
    return `claim certificate ${first.claimCertificateId.slice(0, 8)}… made once and ACTIVE; ${config.iotDataEndpoint}, ${config.provisioningTemplate} and ${listed.length} serial number in ${Bucket}`;
  },
};
