import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each folder may import of ours; the table of the architecture, in docs/architecture.md. */
const mayImport: Record<string, readonly string[]> = {
  contracts: [],
  infrastructure: ['contracts'],
  functions: ['contracts'],
  components: ['contracts'],
  dashboard: ['contracts'],
  // It deploys what they hold.
  pipeline: ['contracts', 'infrastructure', 'functions'],
  'local-cloud': [],
  'virtual-device': [],
  validation: ['contracts', 'pipeline', 'local-cloud', 'virtual-device'],
};

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'test'].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|tsx|js|mjs)$/.test(entry.name)) yield path;
  }
}

/** Module specifiers of static and dynamic imports, re-exports and requires. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const pattern = /(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

test.each(Object.entries(mayImport))('%s imports nothing of ours but %j', (folder, allowed) => {
  const home = join(root, folder);
  const wrong: string[] = [];
  for (const file of sources(home)) {
    for (const specifier of importsOf(file)) {
      const ours = /^@mooring\/([^/]+)/.exec(specifier)?.[1];
      const escapes =
        specifier.startsWith('.') && relative(home, resolve(dirname(file), specifier)).startsWith('..');
      if ((ours !== undefined && !allowed.includes(ours)) || escapes) {
        wrong.push(`${relative(root, file)} imports ${specifier}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test.each(Object.entries(mayImport))('%s declares no dependency of ours but %j', (folder, allowed) => {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  const ours = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@mooring/'));
  expect(
    ours.map((name) => name.slice('@mooring/'.length)).filter((name) => !allowed.includes(name)),
  ).toEqual([]);
});

test('the local cloud and the virtual device know no word of Mooring', () => {
  const words = /mooring|GreengrassGroup|docker_led|docker_button/i;
  const wrong = ['local-cloud', 'virtual-device'].flatMap((folder) =>
    [...sources(join(root, folder, 'src'))].filter((file) => words.test(readFileSync(file, 'utf8'))),
  );
  expect(wrong.map((file) => relative(root, file))).toEqual([]);
});

/** The source file that a relative import names; imports name what is compiled of it. */
function sourceOf(compiled: string): string {
  const stem = compiled.replace(/\.js$/, '');
  return existsSync(`${stem}.tsx`) ? `${stem}.tsx` : `${stem}.ts`;
}

test.each(Object.keys(mayImport))('no module of %s imports itself, however long the way', (folder) => {
  const home = join(root, folder);
  const graph = new Map<string, string[]>();
  for (const file of sources(home)) {
    const near = importsOf(file).filter((specifier) => specifier.startsWith('.'));
    graph.set(
      file,
      near.map((specifier) => sourceOf(resolve(dirname(file), specifier))),
    );
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) {
      const cycle = [...way.slice(way.indexOf(file)), file];
      cycles.push(cycle.map((module) => relative(root, module)).join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});
