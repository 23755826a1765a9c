/** The `Vary` header with one more name of a header that an answer depends on. */
export function withVary(vary: string | undefined, name: string): string {
  const names = (vary ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (names.some((one) => one === '*' || one.toLowerCase() === name.toLowerCase())) return names.join(', ');
  return [...names, name].join(', ');
}
