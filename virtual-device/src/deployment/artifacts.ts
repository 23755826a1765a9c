import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { unzipSync } from 'fflate';
import type { ComponentSpec } from '../component/spec.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Layout } from '../layout.js';
import type { Artifact } from '../recipe/recipe.js';

/**
 * Copies the artifacts of a folder `<component>/<version>/<file>` into the device's package store. A
 * version's folder is replaced as a whole.
 *
 * @throws DeviceError ARTIFACT_INVALID
 */
export function importArtifacts(folder: string, layout: Layout): void {
  try {
    for (const component of subfolders(folder)) {
      for (const version of subfolders(join(folder, component))) {
        replaceFolder(layout.artifacts(component, version), (target) =>
          cpSync(join(folder, component, version), target, { recursive: true, dereference: true }),
        );
      }
    }
  } catch (error) {
    throw new DeviceError(
      'ARTIFACT_INVALID',
      `The artifacts in ${folder} cannot be copied: ${messageOf(error)}`,
    );
  }
}

/**
 * Makes a component's artifacts ready: each that its recipe names is there, unpacked where asked for, with
 * the recipe's permissions.
 *
 * @throws DeviceError ARTIFACT_INVALID
 */
export function prepareArtifacts(spec: ComponentSpec, layout: Layout): void {
  const folder = layout.artifacts(spec.name, spec.version);
  const unarchived = layout.unarchivedArtifacts(spec.name, spec.version);
  mkdirSync(folder, { recursive: true });
  mkdirSync(unarchived, { recursive: true });
  for (const artifact of spec.artifacts) {
    if (artifact.Uri.startsWith('docker:')) {
      throw invalid(spec, `${artifact.Uri}: container images are not built`);
    }
    const file = join(folder, basename(artifact.Uri));
    if (!existsSync(file)) {
      throw invalid(
        spec,
        `${artifact.Uri} is not in the artifact folder as ${spec.name}/${spec.version}/${basename(file)}`,
      );
    }
    if (artifact.Unarchive === 'ZIP') {
      replaceFolder(join(unarchived, basename(file).replace(/\.[^.]*$/, '')), (target) => {
        unpack(spec, file, target, artifact);
      });
    }
    chmodSync(file, modeOf(artifact));
  }
}

/** No archive may unpack to more than this many bytes. */
const MAX_UNPACKED_BYTES = 2 ** 30;

function unpack(spec: ComponentSpec, file: string, target: string, artifact: Artifact): void {
  let total = 0;
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(readFileSync(file), {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > MAX_UNPACKED_BYTES)
          throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
        return true;
      },
    });
  } catch (error) {
    throw invalid(spec, `${basename(file)} is no ZIP archive: ${messageOf(error)}`);
  }
  mkdirSync(target, { recursive: true });
  for (const [name, content] of Object.entries(entries)) {
    const path = resolve(target, name);
    if (path !== target && !path.startsWith(target + sep)) {
      throw invalid(spec, `${basename(file)} holds ${name}, which leads out of its folder`);
    }
    if (name.endsWith('/')) mkdirSync(path, { recursive: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content, { mode: modeOf(artifact) });
    }
  }
}

/** The file mode of the recipe's `Permission`; by default only the owner reads, and nobody executes. */
function modeOf({ Permission }: Artifact): number {
  const read = Permission?.Read === 'ALL' ? 0o644 : 0o600;
  const execute = { NONE: 0, OWNER: 0o100, ALL: 0o111 }[Permission?.Execute ?? 'NONE'];
  return read | execute;
}

/** What a folder is called while its replacement takes its place. */
const SET_ASIDE = '.old';

/** Makes a folder's new content beside it, then exchanges the two. */
function replaceFolder(path: string, fill: (target: string) => void): void {
  const fresh = `${path}.new`;
  const old = `${path}${SET_ASIDE}`;
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  fill(fresh);
  if (existsSync(path)) renameSync(path, old);
  renameSync(fresh, path);
  rmSync(old, { recursive: true, force: true });
}

/** Puts back the artifacts that an agent was just replacing when it was killed. */
export function restoreArtifacts(layout: Layout): void {
  const { artifactStore, unarchivedStore } = layout;
  const below = (folder: string) => subfolders(folder).map((name) => join(folder, name));
  for (const folder of [...below(artifactStore), ...below(unarchivedStore).flatMap(below)]) {
    for (const name of subfolders(folder)) {
      const path = join(folder, name.slice(0, -SET_ASIDE.length));
      if (name.endsWith(SET_ASIDE) && !existsSync(path)) renameSync(join(folder, name), path);
    }
  }
}

function subfolders(folder: string): string[] {
  return readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
}

function invalid(spec: ComponentSpec, message: string): DeviceError {
  return new DeviceError('ARTIFACT_INVALID', `An artifact of ${spec.name} ${spec.version}: ${message}.`);
}
