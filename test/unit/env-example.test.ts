import { existsSync, readFileSync } from 'node:fs';
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
