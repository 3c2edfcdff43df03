import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const readme = new URL('README.md', root);

describe.runIf(existsSync(readme))("the README's threat model", () => {
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
  const section = text.slice(text.indexOf('## Threat model'), text.indexOf('\n## What the log says'));
  const rows = section.split('\n').filter((line) => /^\| (?!Who \||---)/.test(line));

  it('has a test for each line', () => {
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) expect(row).toMatch(/\| `test\/\S+\.test\.ts`: "[^"]+" \|$/);
  });

  it.each(
    rows.map((row) => [...(/`(test\/\S+)`: "([^"]+)" \|$/.exec(row) ?? [])].slice(1)),
  )('%s: "%s" is there', (file, title) => {
    // The title of a test, or its end.
    expect(readFileSync(new URL(file!, root), 'utf8')).toContain(`${title}',`);
  });
});
