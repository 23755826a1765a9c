/** A host to connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Parses `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
 *
 * @param defaultPort used when the text names no port
 * @returns undefined when the text is not an endpoint
 */
export function parseEndpoint(text: string, defaultPort: number): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  if (!match || !host) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** Parses a data endpoint; a port configured apart from it wins over one in its text. */
export function mqttEndpoint(text: string, configuredPort: number | undefined): Endpoint | undefined {
  const endpoint = parseEndpoint(text, configuredPort ?? 8883);
  return endpoint && configuredPort !== undefined ? { host: endpoint.host, port: configuredPort } : endpoint;
}
