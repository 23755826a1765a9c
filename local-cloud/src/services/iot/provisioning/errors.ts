/** The codes that the fleet provisioning MQTT API rejects with, and their statuses. */
const STATUS = {
  AccessDenied: 403,
  InvalidCertificateOwnershipToken: 400,
  InvalidCertificateSigningRequest: 400,
  InvalidParameters: 400,
  InvalidPayload: 400,
  InvalidTemplate: 400,
  ResourceConflict: 409,
  ResourceNotFound: 404,
  InternalFailure: 500,
} as const;

/** What a device is answered on a `rejected` topic (AWS IoT developer guide, "Device provisioning MQTT API"). */
export class ProvisioningError extends Error {
  override readonly name = 'ProvisioningError';

  constructor(
    readonly errorCode: keyof typeof STATUS,
    message: string,
  ) {
    super(message);
  }

  get payload(): { statusCode: number; errorCode: string; errorMessage: string } {
    return { statusCode: STATUS[this.errorCode], errorCode: this.errorCode, errorMessage: this.message };
  }
}

/** The rejection for an error of the AWS IoT operations that provisioning consists of. */
export function provisioningError(error: unknown): ProvisioningError | undefined {
  if (error instanceof ProvisioningError) return error;
  if (!(error instanceof Error)) return undefined;
  switch (error.name) {
    case 'ResourceNotFoundException':
      return new ProvisioningError('ResourceNotFound', error.message);
    case 'ResourceAlreadyExistsException':
    case 'ResourceRegistrationFailureException':
    case 'ConflictingResourceUpdateException':
      return new ProvisioningError('ResourceConflict', error.message);
    case 'InvalidRequestException':
    case 'LimitExceededException':
    case 'MalformedPolicyException':
    case 'TemplateError':
      return new ProvisioningError('InvalidParameters', error.message);
    default:
      return undefined;
  }
}
