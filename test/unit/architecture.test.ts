import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../../src', import.meta.url));

// What each folder may import from others, beside itself. Files at the top of src put everything together.
const mayImport: Record<string, readonly string[]> = {
  core: [],
  db: ['core'],
  seam: ['core'],
  telemetry: ['core'],
  outgoing: ['core'],
  flows: ['core', 'db', 'seam', 'telemetry', 'outgoing'],
  http: ['core', 'db', 'seam', 'telemetry', 'flows'],
  jobs: ['core', 'db', 'telemetry', 'flows'],
  simulator: [],
};

// The core is arithmetic on values: what it may not have is as telling as what it may.
const corePackages = new Set(['zod', 'yaml', 'date-fns-tz']);
const typesOnly = new Set(['seam']);

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
  .map((file) => ({ file, folder: file.includes(sep) ? (file.split(sep)[0] ?? '') : '' }));

function importsOf(file: string): { specifier: string; isType: boolean }[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)'/gm)].map(([, type, specifier = '']) => ({
    specifier,
    isType: type !== undefined,
  }));
}

describe('imports point one way', () => {
  it.each(files.filter(({ folder }) => folder in mayImport))('in $file', ({ file, folder }) => {
    const allowed = new Set([folder, ...(mayImport[folder] ?? [])]);
    const targets = importsOf(file)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => relative(src, join(src, dirname(file), specifier)));
    expect(targets.filter((target) => !allowed.has(target.split(sep)[0] ?? ''))).toEqual([]);
  });
});

describe('what few want', () => {
  it.each([
    ['@opentelemetry/', join('telemetry', 'traces.ts')],
    ['prom-client', join('telemetry', 'metrics.ts')],
  ])('%s is imported by one file, which is loaded when it is wanted', (prefix, only) => {
    const users = files.filter(({ file }) => importsOf(file).some(({ specifier }) => specifier.startsWith(prefix)));
    expect(users.map(({ file }) => file)).toEqual([only]);
    const name = `./${only.split(sep).at(-1)}`;
    const static_ = files.filter(({ file }) =>
      importsOf(file).some((one) => one.specifier.endsWith(name) && !one.isType),
    );
    expect(static_.map(({ file }) => file)).toEqual([]);
  });
});

describe('the core is pure', () => {
  const core = files.filter(({ folder }) => folder === 'core');

  it.each(core)('$file imports nothing that does I/O', ({ file }) => {
    const packages = importsOf(file).filter(({ specifier }) => !specifier.startsWith('.'));
    expect(
      packages.filter(({ specifier, isType }) => !corePackages.has(specifier) && !(isType && typesOnly.has(specifier))),
    ).toEqual([]);
  });

  it.each(core)('$file asks neither clock, chance nor environment', ({ file }) => {
    const text = readFileSync(join(src, file), 'utf8');
    expect(text.match(/Date\.now\(|new Date\(\)|Math\.random|process\.|performance\./g) ?? []).toEqual([]);
  });
});

// Hands the environment on to PostgreSQL's programs; reads no setting of ours.
const passesOn = new Set([join('db', 'embedded-run.ts')]);

describe('the environment', () => {
  it.each(
    files.filter(({ file, folder }) => folder in mayImport && folder !== 'simulator' && !passesOn.has(file)),
  )('is not read in $file', ({ file }) => {
    expect(readFileSync(join(src, file), 'utf8')).not.toContain('process.env');
  });
});
