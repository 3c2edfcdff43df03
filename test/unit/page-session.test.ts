import { describe, expect, it } from 'vitest';
import { localPath } from '../../src/http/page/page-request.ts';
import { sessionMs, sessionsOf } from '../../src/http/page/session.ts';

const now = new Date('2027-03-08T15:00:00Z');
const later = (ms: number): Date => new Date(now.getTime() + ms);
const ana = { name: 'ana', token: 'token-of-ana-for-the-pages' };
const ben = { name: 'ben', token: 'token-of-ben-for-the-pages' };

describe('a session', () => {
  const sessions = sessionsOf([ana, ben]);
  const cookie = sessions.begin(ana, now);

  it('is that of the token with which it began, until twelve hours are over', () => {
    expect(sessions.find(cookie, now)).toMatchObject({ name: 'ana' });
    expect(sessions.find(cookie, later(sessionMs - 1))).toMatchObject({ name: 'ana' });
    expect(sessions.find(cookie, later(sessionMs))).toBeNull();
    expect(cookie).not.toContain(ana.token);
  });

  it('ends when its token is taken out or replaced', () => {
    expect(sessionsOf([ben]).find(cookie, now)).toBeNull();
    expect(sessionsOf([{ ...ana, token: 'another-token-of-ana-for-it' }, ben]).find(cookie, now)).toBeNull();
  });

  it('can be made by nobody without the token, nor made longer or into another’s', () => {
    const [name, endsAt, seal] = cookie.split('.');
    const forged = [
      `${name}.${Number(endsAt) - 1}.${seal}`,
      `${Buffer.from('ben').toString('base64url')}.${endsAt}.${seal}`,
      `${name}.${endsAt}.${'A'.repeat(43)}`,
      `${name}.${endsAt}.${sessions.find(cookie, now)?.csrf}`,
      `${name}.${endsAt}.`,
      `${cookie}x`,
      '',
      '..',
      undefined,
    ];
    expect(forged.map((one) => sessions.find(one, now))).toEqual(forged.map(() => null));
  });

  it('has a form token of its own', () => {
    const others = [sessions.begin(ana, later(1)), sessions.begin(ben, now)].map((one) => sessions.find(one, later(1)));
    const tokens = [sessions.find(cookie, now), ...others].map((one) => one?.csrf);
    expect(new Set(tokens).size).toBe(3);
  });
});

it.each([
  ['/', '/'],
  ['/?q=a%20b', '/?q=a%20b'],
  ['/schedules/crew/act?to=/', '/schedules/crew/act?to=/'],
  [null, '/'],
  ['', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['/.//evil.example', '/'],
  ['https://evil.example/', '/'],
  ['javascript:alert(1)', '/'],
  ['evil', '/'],
])('leads from %j to %j and to no other host', (path, right) => {
  expect(localPath(path)).toBe(right);
  expect(new URL(localPath(path), 'https://relatch.example').host).toBe('relatch.example');
});
