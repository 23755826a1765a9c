import { GetRoleCommand, IAMClient, IAMServiceException } from '@aws-sdk/client-iam';
import { GetObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { accountTags, bucketNames, names, objectKeys } from '@mooring/contracts';
import { z } from 'zod';
import { bucketTaken, ensureBootstrapBucket } from '../deploy/bootstrap-bucket.js';
import { MooringError } from '../errors.js';
import { accountOf, clientConfig, type Target } from '../target.js';

/** What an account is for. */
const Marker = z.object({ stack: z.string(), region: z.string() });
type Marker = z.infer<typeof Marker>;

/**
 * Checks that the account of the credentials is not another stack's: each stack has an account of its own, so that
 * nothing that is tried in `dev` can touch `prod`. Changes nothing.
 *
 * The account's mark is an object of the bootstrap bucket and, for other regions to see, tags of the pipeline's role;
 * the latter are passed over for credentials that may not read the role.
 *
 * @throws MooringError `OtherAccount`, `BucketTaken`
 */
export async function checkAccount(target: Target): Promise<void> {
  await withClients(target, async (clients) => {
    refuseOthers(target, clients.account, await markers(clients));
  });
}

/**
 * Checks the account, and makes it the stack's when it is nobody's yet, with its bootstrap bucket.
 *
 * @returns the account, 12 digits.
 * @throws MooringError `OtherAccount`, `BucketTaken`
 */
export async function takeAccount(target: Target): Promise<string> {
  return withClients(target, async (clients) => {
    const { s3, account, bucket } = clients;
    const found = await markers(clients);
    refuseOthers(target, account, found);
    await ensureBootstrapBucket(s3, bucket, target.region);
    if (found.inBucket === undefined && !(await mark(clients, target))) {
      // Somebody else was faster.
      refuseOthers(target, account, await markers(clients));
    }
    return account;
  });
}

interface Clients {
  readonly s3: S3Client;
  readonly iam: IAMClient;
  readonly account: string;
  /** The bootstrap bucket. */
  readonly bucket: string;
}

interface Markers {
  readonly inBucket: Marker | undefined;
  readonly onRole: Partial<Marker> | undefined;
}

async function withClients<T>(target: Target, work: (clients: Clients) => Promise<T>): Promise<T> {
  const s3 = new S3Client(clientConfig(target));
  const iam = new IAMClient(clientConfig(target));
  try {
    const account = await accountOf(target);
    return await work({ s3, iam, account, bucket: bucketNames(account, target.region).bootstrap });
  } finally {
    s3.destroy();
    iam.destroy();
  }
}

function refuseOthers({ stack, region }: Target, account: string, { inBucket, onRole }: Markers): void {
  const owner = inBucket?.stack ?? onRole?.stack;
  const other = [inBucket?.stack, onRole?.stack].find((name) => name !== undefined && name !== stack);
  if (other !== undefined) {
    throw new MooringError(
      'OtherAccount',
      `The account ${account} is the ${other} account: ${stack} needs an account of its own, use credentials of another one`,
    );
  }
  if (owner !== undefined && onRole?.region !== undefined && onRole.region !== region) {
    throw new MooringError(
      'OtherAccount',
      `The account ${account} has its ${owner} fleet in ${onRole.region}: roles are the whole account's, so a fleet in ${region} needs an account of its own, or set AWS_REGION=${onRole.region}`,
    );
  }
}

async function markers(clients: Clients): Promise<Markers> {
  const [inBucket, onRole] = await Promise.all([markerInBucket(clients), tagsOfRole(clients)]);
  return { inBucket, onRole };
}

async function markerInBucket({ s3, bucket }: Clients): Promise<Marker | undefined> {
  const object = { Bucket: bucket, Key: objectKeys.accountMarker };
  let text: string;
  try {
    const { Body } = await s3.send(new GetObjectCommand(object));
    text = (await Body?.transformToString('utf-8')) ?? '';
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 404) return undefined;
    if (status === 403) throw bucketTaken(bucket);
    throw error;
  }
  try {
    return Marker.parse(JSON.parse(text));
  } catch (error) {
    throw new MooringError(
      'AccountMarker',
      `s3://${bucket}/${objectKeys.accountMarker} does not say which stack the account is for: restore its previous version`,
      { cause: error },
    );
  }
}

async function tagsOfRole({ iam }: Clients): Promise<Partial<Marker> | undefined> {
  try {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: names.pipelineRole }));
    const value = (key: string) => Role?.Tags?.find((tag) => tag.Key === key)?.Value;
    const [stack, region] = [value(accountTags.stack), value(accountTags.region)];
    return { ...(stack !== undefined && { stack }), ...(region !== undefined && { region }) };
  } catch (error) {
    const isUnknown = error instanceof IAMServiceException && error.name === 'NoSuchEntityException';
    const mayNotAsk = error instanceof Error && /^AccessDenied/.test(error.name);
    if (isUnknown || mayNotAsk) return undefined;
    throw error;
  }
}

/** @returns false when there is a mark already. */
async function mark({ s3, bucket }: Clients, { stack, region }: Target): Promise<boolean> {
  const marker: Marker = { stack, region };
  try {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: objectKeys.accountMarker,
        Body: `${JSON.stringify(marker)}\n`,
        ContentType: 'application/json',
        IfNoneMatch: '*',
      }),
    );
    return true;
  } catch (error) {
    // Amazon S3 answers 409 to one of two that write the same at the same time.
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 412 || status === 409) return false;
    throw error;
  }
}
