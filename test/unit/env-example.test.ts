import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, settings } from '../../src/config.ts';
import { accessCodeEvents, usedEventTypes } from '../../src/core/seam-event-types.ts';

const root = new URL('../../', import.meta.url);
const names = settings.map(({ name }) => name).toSorted();

describe('.env.example', () => {
  const lines = readFileSync(new URL('.env.example', root), 'utf8').trimEnd().split('\n');

  it('lists every setting once, and no other', () => {
    expect(lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []).toSorted()).toEqual(names);
  });

  // A line of its own: Docker takes a comment behind a value for a part of it.
  it.each(settings)('tells default and meaning of $name', ({ name, default: fallback, description }) => {
    const at = lines.indexOf(`${name}=${fallback ?? ''}`);
    expect(lines[at - 1]).toBe(`# ${description}`);
  });

  it('is a configuration with nothing but its required settings missing', () => {
    const copied = Object.fromEntries(lines.filter((line) => !line.startsWith('#')).map((line) => line.split('=')));
    expect(() => readConfig(copied, { for: 'service' })).toThrow(
      expect.objectContaining({
        problems: [expect.stringMatching(/^SEAM_API_KEY: /), expect.stringMatching(/^SEAM_WEBHOOK_SECRETS: /)],
      }),
    );
    expect(readConfig(copied, { for: 'tool' })).toEqual(readConfig({}, { for: 'tool' }));
  });
});

const readme = new URL('README.md', root);
describe.runIf(existsSync(readme))("the README's table", () => {
  const rows = existsSync(readme)
    ? readFileSync(readme, 'utf8')
        .matchAll(/^\| `([A-Z_]+)` \|(.*)$/gm)
        .toArray()
    : [];

  it('lists every setting once, and no other', () => {
    expect(rows.map(([, name]) => name).toSorted()).toEqual(names);
  });

  it.each(
    settings.filter(({ default: fallback }) => fallback !== undefined),
  )('tells the default of $name', (setting) => {
    expect(rows.find(([, name]) => name === setting.name)?.[2]).toContain(`\`${setting.default}\``);
  });
});

describe.runIf(existsSync(readme))("the README's list of event types for the webhook", () => {
  it('holds every type that leads to more than a note, and no other', () => {
    const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
    const listed = text
      .slice(text.indexOf('2. **Webhook.**'), text.indexOf('3. **Configure'))
      .matchAll(/`(\w+\.[\w.]+)`/g);
    const notes: readonly string[] = Object.entries(accessCodeEvents).flatMap(([type, news]) =>
      news === 'note' ? [type] : [],
    );
    expect([...listed].map(([, type]) => type).toSorted()).toEqual(
      usedEventTypes.filter((type) => !notes.includes(type)).toSorted(),
    );
  });
});

describe('the npm scripts', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>;
  };

  // Node's own --env-file-if-exists says on standard error that there is none, before each answer of the command line.
  it.each(['start', 'migrate', 'seed', 'relatch'])('have %s read .env where there is one, and only there', (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'relatch-env-'));
    try {
      writeFileSync(join(folder, 'node'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
      const env = { PATH: `${folder}:${process.env['PATH']}` };
      const run = () => execFileSync('sh', ['-c', scripts[name] ?? ''], { cwd: folder, env, encoding: 'utf8' });
      expect(run()).not.toContain('env');
      writeFileSync(join(folder, '.env'), '');
      expect(run()).toContain('--env-file=.env ');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
