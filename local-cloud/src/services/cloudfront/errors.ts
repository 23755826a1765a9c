import { AwsError } from '../../errors.js';

// CloudFront's errors with the words and statuses of the CloudFront API reference.

export const invalidArgument = (message: string) => new AwsError('InvalidArgument', message);

/** Something of CloudFront that is not built: said, never passed over. */
export const notBuilt = (what: string) => invalidArgument(`${what} is not built in the local cloud`);

export const noSuch = (what: string, message: string) => new AwsError(`NoSuch${what}`, message, 404);

export const noSuchDistribution = () => noSuch('Distribution', 'The specified distribution does not exist.');
