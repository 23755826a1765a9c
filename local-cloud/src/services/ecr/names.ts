/** Names in a registry (OCI distribution specification 1.1, "Pulling manifests"; ECR API reference). */

/** A digest; SHA-256 is the one algorithm that ECR takes. */
export const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** At most 128 characters. */
export const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** Lower-case words with separators between them, and slashes between namespaces; 2 to 256 characters. */
export function isRepositoryName(name: string): boolean {
  return name.length >= 2 && name.length <= 256 && REPOSITORY.test(name);
}
