import { describe, expect, it } from 'vitest';
import { createJudge, isPublic, readNetwork } from '../../src/outgoing/addresses.ts';

describe('an address', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450::1',
  ])('%s is public', (address) => expect(isPublic(address)).toBe(true));

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ])('%s is not', (address) => expect(isPublic(address)).toBe(false));
});

describe('a place to send to', () => {
  const names: Record<string, readonly string[]> = {
    'public.example': ['8.8.8.8', '2606:4700::1'],
    'inside.example': ['10.1.2.3'],
    'mixed.example': ['8.8.8.8', '10.1.2.3'],
    'mapped.example': ['::ffff:10.1.2.3'],
    'loop.example': ['127.0.0.1'],
  };
  const lookUp = async (host: string) => {
    const found = names[host] ?? [host];
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const own = ['10.0.0.0/8', '::1', '127.0.0.1'].flatMap((text) => readNetwork(text) ?? []);
  const judge = createJudge([], lookUp);
  const judgeOwn = createJudge(own, lookUp);

  it.each([
    'https://public.example/hook?key=1',
    'https://public.example:8443',
    'https://8.8.8.8/',
  ])('may be %s', async (url) => expect(await judge(url)).toMatchObject({ ok: true }));

  it.each([
    ['http://public.example/', 'https://'],
    ['ftp://public.example/', 'no URL'],
    ['public.example', 'no URL'],
    ['https://ana:secret@public.example/', 'a user or a password'],
    ['https://inside.example/', '10.1.2.3'],
    ['https://mixed.example/', '10.1.2.3'],
    ['https://mapped.example/', 'no public address'],
    ['https://10.1.2.3/', '10.1.2.3'],
    // As browsers read them.
    ['https://2130706433/', '127.0.0.1'],
    ['https://0x7f.1/', '127.0.0.1'],
    ['https://127.1/', '127.0.0.1'],
    ['https://[::1]/', '::1'],
    ['https://[::ffff:127.0.0.1]/', 'no public address'],
    ['https://169.254.169.254/latest/meta-data', 'no public address'],
  ])('may not be %s, because of %s', async (url, words) => {
    expect(await judge(url)).toEqual({ ok: false, problem: expect.stringContaining(words) });
  });

  it.each([
    'http://inside.example/',
    'https://inside.example/',
    'http://[::1]:3000/',
    'http://127.0.0.1:3000/',
  ])('may be %s where the setting holds its address', async (url) =>
    expect(await judgeOwn(url)).toMatchObject({ ok: true }));

  it.each([
    'https://192.168.1.1/',
    'http://public.example/',
    'https://[::ffff:10.1.2.3]/',
  ])('may not be %s all the same', async (url) => expect(await judgeOwn(url)).toMatchObject({ ok: false }));

  it('may not be a name that leads nowhere', async () => {
    const judgeNothing = createJudge([], () => Promise.reject(new Error('ENOTFOUND')));
    expect(await judgeNothing('https://public.example/')).toMatchObject({ ok: false });
  });
});

it.each([
  '10.0.0.0/33',
  '10.0.0/8',
  'example.com',
  '',
  '::1/129',
  '10.0.0.0/8/8',
  '10.0.0.0/x',
])('is no network: %s', (text) => expect(readNetwork(text)).toBeNull());
