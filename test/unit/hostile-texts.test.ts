// Texts that cost a careless reader minutes or all of its memory. Nothing here is timed: what is careless does not end in time.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { authenticator } from '../../src/http/auth.ts';
import { createSeamApi } from '../../src/seam/api.ts';

describe('a schedules file', () => {
  const laughs = Array.from(
    { length: 9 },
    (_, at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(',')}]`,
  );

  it.each([
    ['multiplies itself by aliases', ['a0: &a0 [x,x,x,x,x,x,x,x,x]', ...laughs, 'schedules: *a9'].join('\n')],
    ['holds itself', 'schedules: &a [*a]'],
    ['nests brackets 100,000 deep', `schedules: ${'['.repeat(100_000)}`],
    ['nests fields 2,000 deep', Array.from({ length: 2_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['names a type of a program', 'schedules: !!js/function "function () { throw 1 }"'],
    ['sets the prototype of everything', '__proto__: { polluted: 1 }\nschedules: [{ __proto__: { polluted: 1 } }]'],
  ])('that %s is refused in sentences', (_, text) => {
    const parsed = parseSchedulesFile(text);
    expect(parsed).toMatchObject({ ok: false });
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it.each([
    ['blanks', ' '],
    ['letters', 'a'],
    ['digits', '9'],
    ['parts of rules', 'BYDAY=MO,'],
    ['parts of zones', 'A/'],
    ['parts of dates', '2027-01-01T'],
  ])('with 100,000 characters of %s in each field is refused', (_, part) => {
    const x = part.repeat(100_000 / part.length);
    const schedule = {
      ...{ key: x, name: x, holder: x, status: x, devices: [x], timezone: x, starts_on: x, ends_on: x, pin: x },
      windows: [
        { rrule: x, from: x, to: x },
        { rrule: `FREQ=DAILY;${x}`, from: '09:00', to: '10:00' },
      ],
      except: { dates: [x], holidays: [x] },
      extra: [{ date: x, from: x, to: x }],
      blackouts: [{ from: x, to: x, reason: x }],
    };
    expect(parseSchedulesFile(JSON.stringify({ timezone: x, schedules: [schedule] }))).toMatchObject({ ok: false });
  });
});

it('a token header of 200,000 characters is refused', () => {
  const authenticate = authenticator([{ name: 'ana', token: 'a'.repeat(24) }]);
  for (const text of [' '.repeat(200_000), `${'a'.repeat(200_000)}!`, `${'a '.repeat(100_000)}`])
    expect(() => authenticate(`Bearer ${text}`)).toThrow('Authorization: Bearer TOKEN');
});

it('an answer of Seam that does not end is cut off, and is a failure like others', async () => {
  const page = Buffer.alloc(1_000_000, ' ');
  let sent = 0;
  const server = createServer((_, res) => {
    res.setHeader('content-type', 'application/json');
    const pages = function* () {
      for (; sent < 1_000; sent += 1) yield page;
    };
    Readable.from(pages())
      .on('error', () => undefined)
      .pipe(res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const listed = await createSeamApi({ apiKey: 'seam_test_key', endpoint }).listDevices();
  expect(listed.ok).toBe(false);
  expect(sent).toBeLessThan(100);
  server.close().closeAllConnections();
});
