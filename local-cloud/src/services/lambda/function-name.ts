import { patternViolation } from '../../constraints.js';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import { refuse } from './errors.js';

/** Name, partial ARN (`123456789012:function:name`) or ARN, each with or without a qualifier. */
const REFERENCE =
  /^(?:arn:(?:aws[a-zA-Z-]*):lambda:(?<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9-_]{1,64})(?::(?<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?$/;

/** Says which function a reference means. */
export type FunctionNames = ReturnType<typeof functionNames>;

export function functionNames({ region, accountId }: Base) {
  const arnOf = (name: string) => `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  return {
    arnOf,
    /**
     * The name of the function that a request means.
     *
     * @param qualifier given apart from the name; only `$LATEST` exists, as versions are not built.
     * @throws AwsError `ValidationException`; ResourceNotFoundException for another account, region or version.
     */
    nameOf(reference = '', qualifier?: string): string {
      const found = REFERENCE.exec(reference)?.groups;
      if (!found?.name) {
        throw new AwsError(
          'ValidationException',
          patternViolation(
            reference,
            'functionName',
            '(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?',
          ),
        );
      }
      const wanted = qualifier ?? found.qualifier ?? '$LATEST';
      const isHere = (found.region ?? region) === region && (found.account ?? accountId) === accountId;
      if (isHere && wanted === '$LATEST') return found.name;
      throw refuse.functionNotFound(
        isHere
          ? `${arnOf(found.name)}:${wanted}`
          : reference.startsWith('arn:')
            ? reference
            : arnOf(found.name),
      );
    },
  };
}
