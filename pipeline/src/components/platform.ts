/** `arm64` of `linux/arm64`. */
export function architectureOf(platform: string): string {
  return platform.slice(platform.indexOf('/') + 1);
}
