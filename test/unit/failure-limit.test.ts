import type { Request } from 'express';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { clientOf, createFailureLimit } from '../../src/http/failure-limit.ts';
import { Problem } from '../../src/http/problem.ts';

const from = (ip: string, remoteAddress = '192.0.2.9') => ({ ip, socket: { remoteAddress } }) as Request;
const wrong = new Problem(401, 'signature_invalid', 'wrong');

function limitOf(perMinute: number) {
  let nowMs = 0;
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const limit = createFailureLimit({ perMinute, log, clock: () => nowMs });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { limit, lines, pass };
}

describe('a client', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    // What a proxy passed on and is no address: the proxy's own counts.
    ['unknown', '192.0.2.9'],
    ["203.0.113.7' or 1=1", '192.0.2.9'],
    ['x'.repeat(10_000), '192.0.2.9'],
    ['', '192.0.2.9'],
  ])('at %s counts as %s', (ip, client) => {
    expect(clientOf(from(ip))).toBe(client);
  });
});

describe('who fails too often', () => {
  it('is told so until a minute after the first failure is over, by one line of the log', () => {
    const { limit, lines, pass } = limitOf(3);
    const fail = () => limit.failed(from('203.0.113.7'), wrong);
    expect([fail(), fail(), fail()]).toEqual([wrong, wrong, wrong]);
    pass(20_000);
    for (let more = 0; more < 5; more += 1)
      expect(fail()).toMatchObject({ status: 429, headers: { 'retry-after': '40', connection: 'close' } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ event: 'client.limited', client_address: '203.0.113.7' });
    pass(40_000);
    expect(fail()).toBe(wrong);
  });

  it('keeps nobody else from anything, and everybody in the same network', () => {
    const { limit } = limitOf(1);
    expect(limit.failed(from('2001:db8::1'), wrong)).toBe(wrong);
    expect(limit.failed(from('2001:db8::ffff:1'), wrong).status).toBe(429);
    expect(limit.failed(from('2001:db8:0:1::1'), wrong)).toBe(wrong);
    expect(limit.blocks(from('2001:db8::2'))?.status).toBe(429);
    expect(limit.blocks(from('203.0.113.7'))).toBeNull();
  });

  it('is forgotten when ten thousand others failed since', () => {
    const { limit } = limitOf(1);
    const network = (at: number) => from(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
    limit.failed(from('203.0.113.7'), wrong);
    for (let at = 0; at < 9_999; at += 1) limit.failed(network(at), wrong);
    expect(limit.blocks(from('203.0.113.7'))?.status).toBe(429);
    limit.failed(network(9_999), wrong);
    expect(limit.blocks(from('203.0.113.7'))).toBeNull();
    expect(limit.blocks(network(0))?.status).toBe(429);
  });
});
