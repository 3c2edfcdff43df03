import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { holes, isAllowed, licenceProblems } from '../../.ci/dependencies.ts';

describe('a licence', () => {
  const names = new Set(['MIT', 'ISC', 'Zlib']);
  it.each([
    ['MIT', true],
    ['GPL-3.0-only', false],
    ['(MIT OR GPL-3.0-only)', true],
    ['MIT AND GPL-3.0-only', false],
    ['(MIT AND Zlib)', true],
    ['GPL-2.0 OR (MIT AND ISC)', true],
    ['GPL-2.0 OR MIT AND LGPL-3.0', false],
    ['MIT and ISC', true],
    ['MIT ISC', false],
    ['SEE LICENSE IN LICENSE.md', false],
    ['', false],
  ])('"%s" is allowed: %s', (expression, is) => {
    expect(isAllowed(expression, names)).toBe(is);
  });

  it('is stricter of what is shipped than of tools, and must be named', () => {
    const packages = {
      '': {},
      'node_modules/a': { license: 'MPL-2.0' },
      'node_modules/b': { license: 'MPL-2.0', dev: true },
      'node_modules/b/node_modules/@c/d': {},
    };
    expect(licenceProblems(packages)).toEqual(['a has MPL-2.0', '@c/d has no licence']);
  });
});

describe('an audit', () => {
  it('fails for what is high or critical, and not where the registry did not answer', () => {
    const vulnerabilities = { a: { severity: 'critical' }, b: { severity: 'low' }, c: { severity: 'high' } };
    expect(holes(JSON.stringify({ vulnerabilities }))).toEqual([
      expect.stringContaining('a has a known hole of severity critical'),
      expect.stringContaining('c has a known hole of severity high'),
    ]);
    expect(holes('{"vulnerabilities":{}}')).toEqual([]);
    for (const answer of ['', 'npm error', '{"message":"405","error":{}}']) expect(holes(answer)).toBeNull();
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM ') + 1);

  it('begins with nothing, runs nothing through a shell, and is not run as root', () => {
    expect(last).toMatch(/^FROM scratch\n/);
    expect(last).not.toMatch(/^(RUN|SHELL|ADD) /m);
    for (const [, command] of last.matchAll(/^(?:ENTRYPOINT|\s*CMD) (.*)$/gm))
      expect(JSON.parse(command!)[0]).toBe('node');
    expect(last).toMatch(/^USER 1000:1000$/m);
    // Of what is copied, only what was put together for it.
    expect(last.match(/^COPY .*$/gm)).toEqual([
      'COPY --from=build /rootfs /',
      'COPY package.json ./',
      'COPY --from=build /build/prisma/migrations prisma/migrations',
      'COPY --from=build /build/dist dist',
    ]);
  });
});
