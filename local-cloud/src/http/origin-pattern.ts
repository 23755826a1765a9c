/**
 * Whether the origin of a page (`https://example.com:8443`) is one that a pattern stands for: the origin itself, or
 * with one `*` for any characters of its host and port. `*` alone is every origin.
 */
export function matchesOrigin(pattern: string, origin: string): boolean {
  if (pattern === '*') return true;
  const [before = '', after, ...more] = pattern.toLowerCase().split('*');
  const text = origin.toLowerCase();
  if (after === undefined) return text === before;
  if (more.length > 0 || text.length < before.length + after.length) return false;
  // Of the pattern's wildcard nothing but a host is meant: no other scheme, no path.
  const between = text.slice(before.length, text.length - after.length);
  return (
    text.startsWith(before) && text.endsWith(after) && !/[/?#@]/.test(between.replace(/^https?:\/\//, ''))
  );
}
