import type { ProvisioningConfig } from '@mooring/contracts';

/** Ports of the local cloud that a device asks: of its AWS APIs, and of the endpoints in its configuration. */
export function localCloudPorts(endpointUrl: string, config: ProvisioningConfig): number[] {
  const { port, protocol } = new URL(endpointUrl);
  const ports = [Number(port || (protocol === 'https:' ? 443 : 80))];
  // AWS's defaults of MQTT and HTTPS with client certificates.
  ports.push(portOf(config.iotDataEndpoint, 8883), portOf(config.iotCredEndpoint, 443));
  if (config.greengrassDataPlanePort !== undefined) ports.push(config.greengrassDataPlanePort);
  return [...new Set(ports)];
}

function portOf(endpoint: string, otherwise: number): number {
  return Number(new URL(`mqtts://${endpoint}`).port || otherwise);
}

/**
 * systemd units that make a port of the machine with the local cloud a port of the device's own loopback. So every
 * address that the cloud gives out, and the names in its certificate, hold on the device as they do beside the cloud.
 *
 * @returns units' names and texts; the socket is what is to be enabled.
 */
export function forwardingUnits(host: string, port: number): Record<string, string> {
  return {
    [`mooring-local-cloud-${port}.socket`]: [
      '[Unit]',
      `Description=Mooring: port ${port} of the local cloud`,
      '',
      '[Socket]',
      `ListenStream=127.0.0.1:${port}`,
      'NoDelay=true',
      '',
      '[Install]',
      'WantedBy=sockets.target',
      '',
    ].join('\n'),
    [`mooring-local-cloud-${port}.service`]: [
      '[Unit]',
      `Description=Mooring: to port ${port} of the local cloud at ${host}`,
      `Requires=mooring-local-cloud-${port}.socket`,
      `After=mooring-local-cloud-${port}.socket`,
      '',
      '[Service]',
      `ExecStart=/usr/lib/systemd/systemd-socket-proxyd ${host}:${port}`,
      'DynamicUser=yes',
      'NoNewPrivileges=yes',
      '',
    ].join('\n'),
  };
}
