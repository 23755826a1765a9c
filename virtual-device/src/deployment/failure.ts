import { DeviceError, type DeviceErrorCode, messageOf } from '../errors.js';

/** What kind of problem each of the nucleus's deployment error codes names (`DeploymentErrorCode`, `DeploymentErrorType`). */
const TYPE_OF = {
  DEPLOYMENT_FAILURE: undefined,
  DEPLOYMENT_REJECTED: undefined,
  DEPLOYMENT_INTERRUPTED: undefined,
  ARTIFACT_DOWNLOAD_ERROR: undefined,
  NO_AVAILABLE_COMPONENT_VERSION: undefined,
  COMPONENT_PACKAGE_LOADING_ERROR: undefined,
  REJECTED_STALE_DEPLOYMENT: undefined,
  NUCLEUS_MISSING_REQUIRED_CAPABILITIES: 'REQUEST_ERROR',
  COMPONENT_CIRCULAR_DEPENDENCY_ERROR: 'REQUEST_ERROR',
  COMPONENT_VERSION_REQUIREMENTS_NOT_MET: 'REQUEST_ERROR',
  MISSING_DOCKER_APPLICATION_MANAGER: 'REQUEST_ERROR',
  MISSING_TOKEN_EXCHANGE_SERVICE: 'REQUEST_ERROR',
  CLOUD_API_ERROR: undefined,
  BAD_REQUEST: 'NUCLEUS_ERROR',
  ACCESS_DENIED: 'PERMISSION_ERROR',
  SERVER_ERROR: 'SERVER_ERROR',
  RESOURCE_NOT_FOUND: 'REQUEST_ERROR',
  GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED: 'PERMISSION_ERROR',
  GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED: 'PERMISSION_ERROR',
  RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED: 'PERMISSION_ERROR',
  RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE: 'CLOUD_SERVICE_ERROR',
  NETWORK_ERROR: 'NETWORK_ERROR',
  HTTP_REQUEST_ERROR: 'HTTP_ERROR',
  DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR: 'HTTP_ERROR',
  DOWNLOAD_GREENGRASS_ARTIFACT_ERROR: 'HTTP_ERROR',
  DEPLOYMENT_DOCUMENT_SIZE_EXCEEDED: 'CLOUD_SERVICE_ERROR',
  IO_ERROR: undefined,
  IO_WRITE_ERROR: 'DEVICE_ERROR',
  IO_UNZIP_ERROR: 'DEVICE_ERROR',
  DISK_SPACE_CRITICAL: 'DEVICE_ERROR',
  LOCAL_RECIPE_NOT_FOUND: 'DEVICE_ERROR',
  LOCAL_RECIPE_CORRUPTED: 'DEVICE_ERROR',
  RECIPE_PARSE_ERROR: 'COMPONENT_RECIPE_ERROR',
  ARTIFACT_URI_NOT_VALID: 'COMPONENT_RECIPE_ERROR',
  S3_ARTIFACT_URI_NOT_VALID: 'COMPONENT_RECIPE_ERROR',
  UNSUPPORTED_ARTIFACT_SCHEME: 'COMPONENT_RECIPE_ERROR',
  ARTIFACT_CHECKSUM_MISMATCH: 'COMPONENT_RECIPE_ERROR',
  DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD: 'DEVICE_ERROR',
  DOCKER_ERROR: 'DEPENDENCY_ERROR',
  DOCKER_PULL_ERROR: 'DEPENDENCY_ERROR',
  S3_ERROR: 'DEPENDENCY_ERROR',
  S3_GET_OBJECT_ACCESS_DENIED: 'PERMISSION_ERROR',
  S3_GET_OBJECT_RESOURCE_NOT_FOUND: 'REQUEST_ERROR',
  DEPLOYMENT_DOCUMENT_NOT_VALID: undefined,
  EMPTY_DEPLOYMENT_REQUEST: undefined,
  DEPLOYMENT_DOCUMENT_PARSE_ERROR: undefined,
  CUSTOM_PLUGIN_NOT_SUPPORTED: 'USER_COMPONENT_ERROR',
  COMPONENT_UPDATE_ERROR: undefined,
  COMPONENT_BROKEN: undefined,
  COMPONENT_BOOTSTRAP_ERROR: undefined,
  COMPONENT_CONFIGURATION_NOT_VALID: undefined,
  COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT: undefined,
} as const;

export type DeploymentErrorCode = keyof typeof TYPE_OF;

/** What an error of the device outside deployments is in the nucleus's codes. */
const CODES_OF: Partial<Record<DeviceErrorCode, readonly DeploymentErrorCode[]>> = {
  ARTIFACT_INVALID: ['ARTIFACT_DOWNLOAD_ERROR'],
  RECIPE_INVALID: ['COMPONENT_PACKAGE_LOADING_ERROR', 'RECIPE_PARSE_ERROR'],
  OFFLINE: ['NETWORK_ERROR'],
};

/** A deployment that cannot be carried out, with the nucleus's codes for why, the general before the particular. */
export class DeploymentError extends DeviceError {
  constructor(
    readonly codes: readonly DeploymentErrorCode[],
    message: string,
    /** Types that the codes alone do not tell, as of a component's own failure. */
    readonly types: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super('DEPLOYMENT_INVALID', message, options);
  }
}

/** Why a deployment failed, as its status tells the cloud. */
export interface Failure {
  readonly cause: string;
  readonly stack: readonly string[];
  readonly types: readonly string[];
}

/** The failure that an error means. */
export function failureOf(error: unknown): Failure {
  const codes =
    error instanceof DeploymentError
      ? error.codes
      : error instanceof DeviceError
        ? (CODES_OF[error.code] ?? [])
        : (['IO_ERROR'] as const);
  const named = codes.flatMap((code) => TYPE_OF[code] ?? []);
  const types = [...named, ...(error instanceof DeploymentError ? error.types : [])];
  return {
    cause: messageOf(error),
    stack: ['DEPLOYMENT_FAILURE', ...codes],
    types: types.length > 0 ? [...new Set(types)] : ['UNKNOWN_ERROR'],
  };
}

/** The failure of a component of the deployment's author, or of AWS. */
export function componentErrorType(component: string): string {
  return component.startsWith('aws.greengrass.') ? 'AWS_COMPONENT_ERROR' : 'USER_COMPONENT_ERROR';
}
