import { type ContainerRecord, isRunning } from './container-table.js';
import type { ImageRecord } from './image-store.js';
import { fillTemplate } from './template.js';

/** A line of `docker ps`. */
export function containerRow(container: ContainerRecord) {
  const { id, image, argv, name, createdAt } = container;
  const running = isRunning(container);
  return {
    ID: id.slice(0, 12),
    Id: id,
    Image: image,
    Command: JSON.stringify(argv.join(' ').slice(0, 40)),
    CreatedAt: new Date(createdAt).toISOString(),
    State: running ? 'running' : 'exited',
    Status: running ? 'Up' : 'Exited',
    Names: name,
  };
}

/** A line of `docker images`. */
export function imageRow(image: ImageRecord, name: string) {
  const [, repository = '<none>', tag] = /^(.*?)(?::([^:/@]+))?(?:@.*)?$/.exec(name) ?? [];
  return {
    Repository: repository,
    Tag: tag ?? '<none>',
    ID: image.id.slice('sha256:'.length, 'sha256:'.length + 12),
    Digest: image.digest,
  };
}

/** Prints lines as a table, or each by a template. */
export function printRows(
  print: (line: string) => void,
  rows: readonly Readonly<Record<string, string>>[],
  columns: readonly string[],
  format: string | undefined,
): void {
  if (format !== undefined && format !== 'table') {
    for (const row of rows) print(fillTemplate(format, row));
    return;
  }
  const lines = [
    columns.map((column) => column.toUpperCase()),
    ...rows.map((row) => columns.map((c) => row[c] ?? '')),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  for (const line of lines)
    print(
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    );
}

/** What `docker inspect` says of a container. */
export function inspectContainer(container: ContainerRecord) {
  const running = isRunning(container);
  return {
    Id: container.id,
    Name: `/${container.name}`,
    Created: new Date(container.createdAt).toISOString(),
    Path: container.argv[0],
    Args: container.argv.slice(1),
    Image: container.imageId,
    State: {
      Status: running ? 'running' : 'exited',
      Running: running,
      Paused: false,
      Restarting: false,
      Pid: running ? container.pid : 0,
    },
    Config: { Image: container.image },
    HostConfig: { AutoRemove: container.remove, NetworkMode: 'host' },
  };
}

/** What `docker image inspect` says. */
export function inspectImage(image: ImageRecord, names: readonly string[]) {
  const { os, architecture, variant, created, config, rootfs } = image.config;
  return {
    Id: image.id,
    RepoTags: names.filter((name) => !name.includes('@')),
    RepoDigests: names.filter((name) => name.includes('@')),
    Created: created ?? '',
    Os: os,
    Architecture: architecture,
    ...(variant !== undefined && { Variant: variant }),
    Config: config,
    RootFS: { Type: 'layers', Layers: rootfs.diff_ids },
  };
}
