import { DockerUsageError } from './run-arguments.js';

/**
 * Fills the simplest of Go's templates, as `--format` takes them: `{{.Field.Field}}`, `{{json .Field}}`,
 * `{{json .}}`, `{{index .Field "key"}}`.
 *
 * @throws DockerUsageError for anything more, and for fields that are not there
 */
export function fillTemplate(template: string, value: unknown): string {
  if (template === 'json') return JSON.stringify(value);
  return template
    .replace(/^table\s+/, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .replace(/\{\{(.*?)\}\}/g, (whole, expression: string) => {
      const [, json, path, index] =
        /^-?\s*(?:(json)\s+)?(?:index\s+)?(\.[A-Za-z0-9_.]*)(?:\s+"([^"]*)")?\s*-?$/.exec(expression) ?? [];
      if (path === undefined) throw new DockerUsageError(`template parsing error: ${whole} is not built`, 64);
      const keys = [...path.split('.').filter(Boolean), ...(index === undefined ? [] : [index])];
      let node: unknown = value;
      for (const key of keys) {
        if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) {
          throw new DockerUsageError(`template: ${whole}: map has no entry for key "${key}"`, 64);
        }
        node = Object.entries(node).find(([name]) => name === key)?.[1];
      }
      if (json !== undefined) return JSON.stringify(node);
      if (node === null || node === undefined) return '<no value>';
      return typeof node === 'object' ? JSON.stringify(node) : String(node);
    });
}
