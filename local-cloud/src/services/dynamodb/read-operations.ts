import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';
import { key as compoundKey } from '../../store/store.js';
import { validation } from './errors.js';
import type { Condition } from './expressions/condition.js';
import { parseCondition } from './expressions/condition-parser.js';
import { attributeNames } from './expressions/names.js';
import { Placeholders } from './expressions/placeholders.js';
import { parseProjection } from './expressions/projection.js';
import type { Items } from './items.js';
import { keyCondition, keyParts } from './key-condition.js';
import { partitionPosition } from './keys.js';
import { checkNotMixed, legacyFilter, legacyKeyParts, legacyProjection } from './legacy.js';
import { checkFilterNames, readPage, requestIndex, startAfter } from './reads.js';
import type { Tables } from './tables.js';

const MOST_SEGMENTS = 1_000_000;
const EXPRESSIONS = ['ProjectionExpression', 'FilterExpression', 'KeyConditionExpression'];
const LEGACY = ['AttributesToGet', 'QueryFilter', 'ScanFilter', 'ConditionalOperator', 'KeyConditions'];

/** Query and Scan. */
export function readOperations(tables: Tables, items: Items): Operations<typeof sdk> {
  return {
    Query(input) {
      const table = tables.existing(input.TableName);
      const index = requestIndex(table, input);
      const { key } = index ?? table;
      const { placeholders, filter, projection } = readExpressions(input, 'KeyConditionExpression');
      const text = input.KeyConditionExpression;
      const parts =
        text === undefined
          ? legacyKeyParts(input)
          : keyParts(parseCondition('KeyConditionExpression', text, placeholders));
      placeholders.checkAllUsed();
      const { partition, sort } = keyCondition(table, key, parts);
      if (filter) checkFilterNames(table, index, attributeNames(filter));
      const prefix = compoundKey(partitionPosition(partition), '');
      const reverse = input.ScanIndexForward === false;
      const after = startAfter(table, index, input.ExclusiveStartKey);
      if (after !== undefined && !after.startsWith(prefix)) {
        throw validation(
          'The provided starting key is outside query boundaries based on provided conditions',
        );
      }
      const [first, last] = reverse ? [sort?.most, sort?.least] : [sort?.least, sort?.most];
      return readPage(items, table, index, input, {
        range: { prefix, reverse, after, ...(first !== undefined && { from: prefix + first }) },
        within(position, item) {
          if (last !== undefined && (reverse ? position < prefix + last : position > prefix + last)) {
            return 'end';
          }
          const value = key.sort === undefined ? undefined : item[key.sort];
          return !sort || (value !== undefined && sort.matches(value));
        },
        filter,
        projection,
      });
    },
    Scan(input) {
      const table = tables.existing(input.TableName);
      const index = requestIndex(table, input);
      const { placeholders, filter, projection } = readExpressions(input);
      placeholders.checkAllUsed();
      const after = startAfter(table, index, input.ExclusiveStartKey);
      const [first, behind] = segment(input.Segment, input.TotalSegments);
      if (after !== undefined && (after < first || after >= behind)) {
        throw validation(
          `The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: ${input.TotalSegments} Segment: ${input.Segment}`,
        );
      }
      return readPage(items, table, index, input, {
        range: { after, from: first },
        within: (position) => (position < behind ? true : 'end'),
        filter,
        projection,
      });
    },
  };
}

/** The expressions that both have; key conditions are read with the same placeholders. */
function readExpressions(
  input: sdk.QueryCommandInput | sdk.ScanCommandInput,
  ...more: readonly 'KeyConditionExpression'[]
) {
  checkNotMixed({ ...input }, EXPRESSIONS, LEGACY);
  const { FilterExpression, ProjectionExpression } = input;
  const keyText = 'KeyConditionExpression' in input ? input.KeyConditionExpression : undefined;
  const placeholders = new Placeholders(input.ExpressionAttributeNames, input.ExpressionAttributeValues, {
    FilterExpression,
    ...(more.length > 0 && { KeyConditionExpression: keyText }),
    ...(ProjectionExpression !== undefined && { ProjectionExpression }),
  });
  const filter: Condition | undefined =
    FilterExpression === undefined
      ? legacyFilter(input)
      : parseCondition('FilterExpression', FilterExpression, placeholders);
  const projection =
    ProjectionExpression === undefined
      ? legacyProjection(input)
      : parseProjection(ProjectionExpression, placeholders);
  return { placeholders, filter, projection };
}

/** The first position of a segment of a parallel scan, and the first behind it. @throws AwsError */
function segment(number: number | undefined, total: number | undefined): [first: string, behind: string] {
  if (number === undefined && total === undefined) return ['', '~'];
  if (number === undefined || total === undefined) {
    const [missing, given] =
      number === undefined ? ['Segment', 'TotalSegments'] : ['TotalSegments', 'Segment'];
    throw validation(
      `The ${missing} parameter is required but was not present in the request when parameter ${given} is present`,
    );
  }
  if (total < 1 || total > MOST_SEGMENTS || number < 0) {
    throw validation(
      `1 validation error detected: Value '${total}' at 'totalSegments' failed to satisfy constraint: Member must have value between 1 and ${MOST_SEGMENTS}`,
    );
  }
  if (number >= total) {
    throw validation(
      `The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: ${number} is not less than TotalSegments: ${total}`,
    );
  }
  // Positions begin with hexadecimal digits that are spread evenly.
  const start = (part: number) =>
    part === total
      ? '~'
      : Math.floor((2 ** 32 * part) / total)
          .toString(16)
          .padStart(8, '0');
  return [start(number), start(number + 1)];
}
