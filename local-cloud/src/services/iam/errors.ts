import {
  DeleteConflictException,
  EntityAlreadyExistsException,
  InvalidInputException,
  LimitExceededException,
  MalformedPolicyDocumentException,
  NoSuchEntityException,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../errors.js';
import { PolicyDocumentError, type PolicyKind, parsePolicyDocument } from '../../policy/index.js';

const $metadata = {};

export const noSuchEntity = (message: string) => new NoSuchEntityException({ message, $metadata });
export const alreadyExists = (message: string) => new EntityAlreadyExistsException({ message, $metadata });
export const deleteConflict = (message: string) => new DeleteConflictException({ message, $metadata });
export const limitExceeded = (message: string) => new LimitExceededException({ message, $metadata });
export const invalidInput = (message: string) => new InvalidInputException({ message, $metadata });
export const malformedPolicy = (message: string) =>
  new MalformedPolicyDocumentException({ message, $metadata });
export const validationError = (message: string) => new AwsError('ValidationError', message);

/** The size of a policy document as IAM counts it: white space is free. */
export function sizeOf(document: string): number {
  return document.replace(/\s/g, '').length;
}

/**
 * Checks a policy document before it is kept.
 *
 * @throws MalformedPolicyDocumentException in IAM's words.
 */
export function checkDocument(text: string, kind: PolicyKind): void {
  try {
    const { statements } = parsePolicyDocument(text, kind);
    if (kind !== 'trust') return;
    for (const { actions } of statements) {
      if (
        actions.patterns.some(
          (action) => !/^sts:(AssumeRole\w*|TagSession|SetSourceIdentity|SetContext|\*)$|^\*$/i.test(action),
        )
      ) {
        throw malformedPolicy('AssumeRole policy may only specify STS AssumeRole actions.');
      }
    }
  } catch (error) {
    if (error instanceof PolicyDocumentError) throw malformedPolicy(error.message);
    throw error;
  }
}
