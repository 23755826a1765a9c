import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentNames } from '@mooring/contracts';
import { bundleProgram, nativePart } from '../../../pipeline/dist/components/program.js';
import { folders } from './recipe.js';

/** The components' programs as their images have them, and a `docker` that runs them without images. */
export interface Programs {
  /** For PATH. */
  readonly dockerFolder: string;
  remove(): Promise<void>;
}

/** Bundles the programs of components. */
export async function makePrograms(
  components: readonly string[] = [componentNames.led, componentNames.button],
): Promise<Programs> {
  const root = await mkdtemp(join(tmpdir(), 'mooring-programs-'));
  await Promise.all(
    components.map(async (component) => {
      const source = fileURLToPath(new URL(`../../${folders[component]}`, import.meta.url));
      const { code } = await bundleProgram(component, source);
      const native = nativePart(process.arch === 'x64' ? 'amd64' : process.arch);
      await mkdir(join(root, component));
      await writeFile(join(root, component, 'main.cjs'), code);
      await copyFile(native.path, join(root, component, native.name));
    }),
  );
  const docker = join(root, 'bin', 'docker');
  await mkdir(join(root, 'bin'));
  await writeFile(docker, dockerCommand(root));
  await chmod(docker, 0o755);
  return { dockerFolder: join(root, 'bin'), remove: () => rm(root, { recursive: true, force: true }) };
}

/**
 * `docker run` of an image that is called as the component: its program as a process, which gets of the
 * environment only what `-e` hands on, and nothing when a path is mounted that is not there.
 */
function dockerCommand(root: string): string {
  return `#!/bin/sh
case $1 in
  rm | stop) exit 0 ;;
  run) shift ;;
  *) echo "docker: unknown command $1" >&2; exit 125 ;;
esac
environment=
while [ $# -gt 0 ]; do
  case $1 in
    -e)
      eval "is_set=\\\${$2+yes} value=\\\${$2-}"
      if [ "$is_set" ]; then environment="$environment $2='$value'"; fi
      shift 2 ;;
    -v)
      if [ ! -e "\${2%%:*}" ]; then echo "docker: \${2%%:*} is not there" >&2; exit 125; fi
      shift 2 ;;
    --name | --network | --cap-drop | --cap-add | --security-opt | --device | --device-cgroup-rule) shift 2 ;;
    --rm | --read-only) shift ;;
    -*) echo "docker: unknown flag $1" >&2; exit 125 ;;
    *) break ;;
  esac
done
eval "exec env -i PATH='$PATH' $environment '${process.execPath}' '${root}/$1/main.cjs'"
`;
}
