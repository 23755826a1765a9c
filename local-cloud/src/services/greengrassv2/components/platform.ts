/** What a device, or a manifest of a recipe, says of a platform: `os`, `architecture`, `runtime` … */
export type Platform = Readonly<Record<string, string>>;

/** The runtime of a device that names none. */
const CLASSIC = 'aws_nucleus_classic';
/** Values that any operating system or architecture fits, besides `*`. */
const ANY: ReadonlySet<string> = new Set(['all', 'any']);
const LONGEST_PATTERN = 256;

/**
 * Whether a device is what a manifest asks for (Greengrass developer guide, component recipe reference, `Platform`):
 * each attribute fits `*`, the same text, or a regular expression between slashes. A manifest that names no runtime
 * is for the classic nucleus.
 */
export function fitsPlatform(wanted: Platform, device: Platform): boolean {
  const runtime = wanted.runtime ?? CLASSIC;
  if (!fits('runtime', runtime, device.runtime ?? CLASSIC)) return false;
  return Object.entries(wanted).every(([name, value]) => {
    if (name === 'runtime') return true;
    return fits(name, value, Object.hasOwn(device, name) ? device[name] : undefined);
  });
}

function fits(name: string, wanted: string, actual: string | undefined): boolean {
  if ((name === 'os' || name === 'architecture') && (ANY.has(wanted) || wanted === '*')) return true;
  if (actual === undefined) return false;
  if (wanted === '*' || wanted === '//') return true;
  const pattern = platformPattern(wanted);
  return pattern ? pattern.test(actual) : wanted === actual;
}

/** The regular expression that an attribute's value is; undefined when it is plain text, or none that can be read. */
function platformPattern(value: string): RegExp | undefined {
  if (value.length < 3 || value.length > LONGEST_PATTERN || !value.startsWith('/') || !value.endsWith('/')) {
    return undefined;
  }
  try {
    return new RegExp(`^(?:${value.slice(1, -1)})$`);
  } catch {
    return undefined;
  }
}
