// What somebody might send to any route, by kind. What must not come back bears a mark.
import { sign } from './sign.ts';

/** Stands in every hostile text; as markup, where an answer repeats it unescaped. */
export const mark = '<q9x onload=1>';

export interface HostileRequest {
  readonly method?: string;
  /** Put behind the path of the route, or where the whole path is to be another. */
  readonly path?: (path: string) => string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  /** As it is, in the place of all that would be sent. */
  readonly raw?: (method: string, path: string) => string | Buffer;
  /** False: without the token that is right. */
  readonly isAllowed?: boolean;
}

const json = 'content-type: application/json';
const sql = `'; drop table schedules; --${mark}`;
const stray = encodeURIComponent(mark);

const query = (text: string) => ({ path: (path: string) => `${path}?${text}` });
const insteadOfPath = (text: string) => ({ path: () => text });
const behind = (text: string) => ({ path: (path: string) => `${path}${text}` });
const head = (...headers: string[]) => ({ headers });
const body = (content: string | Buffer, type = json) => ({ body: content, headers: [type] });
const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

/** Kind → requests, each right in all but one thing. Where no method is named, the route's own are used. */
export const hostileRequests: Readonly<Record<string, readonly HostileRequest[]>> = {
  'no token, or a wrong one': [
    head(),
    head(`authorization: Bearer ${'x'.repeat(24)}`),
    head('authorization: Bearer'),
    head(`authorization: Basic ${btoa('admin:admin')}`),
    head(`authorization: Bearer ${'x'.repeat(8_000)}`),
    head('authorization: Bearer null', 'cookie: token=x; session=x'),
    head(`authorization: Bearer ${mark}`),
    query('token=x&access_token=x'),
  ].map((one) => ({ ...one, isAllowed: false })),
  'another method': ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'].map((method) => ({
    method,
  })),
  'a method by a header': [
    head('x-http-method-override: DELETE'),
    head('x-method-override: PUT', 'x-http-method: DELETE'),
    query('_method=DELETE'),
  ],
  'another path': [
    insteadOfPath('/../../../../etc/passwd'),
    insteadOfPath('/docs/..%2f..%2f..%2fetc%2fpasswd'),
    insteadOfPath('/docs/%2e%2e/%2e%2e/package.json'),
    behind('/..%2f..%2f..%2fetc%2fpasswd'),
    behind('/..%5c..%5cwindows'),
    behind('%00'),
    behind('/%00.json'),
    behind('%'),
    behind('/%ff%fe'),
    behind('//'),
    behind(`/${stray}`),
    behind(';a=b'),
    behind('/__proto__'),
    behind('/constructor'),
    behind(`/${'a'.repeat(10_000)}`),
    behind('%0d%0ax-injected:%201'),
    behind('/.env'),
    behind('/.git/config'),
  ],
  'an odd query': [
    query('__proto__[polluted]=1&constructor[prototype][polluted]=1'),
    query(`q=${encodeURIComponent(sql)}`),
    query(`${stray}=1`),
    query('limit=1e309&cursor=%00'),
    query('limit=-1&limit=2&limit[]=3'),
    query('dry_run=%ff'),
    query('from=0000-01-01T00:00:00Z&count=9999999999999999999999'),
    query(Array.from({ length: 800 }, (_, at) => `${at}=`).join('&')),
    query('a=%0d%0ax-injected:%201'),
  ],
  'an odd body': [
    body('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    body('{"key":{"__proto__":{"polluted":1}},"name":{"constructor":1}}'),
    body(deep('[', ']', 20_000)),
    body(deep('{"a":', '}', 5_000).replace('}', '1}')),
    body(`{"windows":${deep('[', ']', 50)}}`),
    body(`[${'0,'.repeat(50_000)}0]`),
    body(JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`f${at}`, at])))),
    body('{"key":"a","key":"b","pin":1e400,"merge_gaps_up_to_minutes":1e308}'),
    body(JSON.stringify({ key: sql, name: sql, date: sql, until: sql, reason: 1, pin: sql, device_id: sql })),
    body('{"name":"\\u0000","key":"\\ud800"}'),
    body(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    body('\ufeff{"a":1}'),
    body('null'),
    body('"x"'),
    body('{"a":'),
    body('&a [*a]'),
    body('x'.repeat(300_000)),
  ],
  'another content type': [
    body('a[__proto__][polluted]=1', 'content-type: application/x-www-form-urlencoded'),
    body(
      `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
      'content-type: text/xml',
    ),
    body(`a: &a [${mark}]\nb: [*a,*a]`, 'content-type: application/yaml'),
    body(
      '--b\r\ncontent-disposition: form-data; name="f"; filename="../../x"\r\n\r\n1\r\n--b--',
      'content-type: multipart/form-data; boundary=b',
    ),
    body('{}', 'content-type: application/json; charset=utf-7'),
    body('{}', 'content-type: text/plain'),
    body('{}', `content-type: ${mark}`),
    { body: '{}', headers: [json, 'content-encoding: gzip'] },
    { body: '{}', headers: [json, 'content-encoding: br, identity'] },
  ],
  'odd headers': [
    head('x-forwarded-host: evil.example', 'x-forwarded-proto: https', 'x-forwarded-for: 127.0.0.1, <q9x>'),
    head('x-original-url: /v1/schedules', 'x-rewrite-url: /v1/schedules'),
    head('origin: https://evil.example', 'access-control-request-method: PUT', 'access-control-request-headers: x'),
    head(`if-match: "${'9'.repeat(200)}"`, `if-none-match: ${mark}`),
    head(`idempotency-key: ${'k'.repeat(5_000)}`),
    head(`idempotency-key: ${sql}`),
    head('range: bytes=0-0,1-1,2-2,3-3,-1', 'if-range: x'),
    head('accept: text/html', `user-agent: ${mark}`, 'accept-language: ../../etc/passwd'),
    head(`cookie: ${'c'.repeat(8_000)}`),
    head('upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__'),
    head('expect: a-miracle'),
    head(
      'svix-id: msg_1',
      `svix-timestamp: ${Math.floor(Date.now() / 1_000)}`,
      `svix-signature: ${'v1,AAAA '.repeat(900)}`,
    ),
    {
      ...body('{}'),
      headers: [json, ...Object.entries(sign('{ }').headers).map(([name, value]) => `${name}: ${value}`)],
    },
    head(...Array.from({ length: 120 }, (_, at) => `x-${at}: 1`)),
    head(`x-large: ${'y'.repeat(20_000)}`),
  ],
  'no clear request': [
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: evil.example\r\nhost: other.example\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) =>
      `${method} http://evil.example${path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\nGET /x`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\nconnection: close\r\n\r\nabcde`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\nconnection: close\r\n\r\n0\r\n\r\n`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nfffffffffffffffff\r\n`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nhost : x\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) => `${method} ${path} HTTP/1.1\nhost: x\nconnection: close\n\n`,
    (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nhost: x\r\nx: a\0b\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) =>
      `${method} ${path} HTTP/1.1\r\nhost: x\r\nx: a\r\n folded\r\nconnection: close\r\n\r\n`,
    (method: string, path: string) => `${method} ${path} HTTP/9.9\r\nhost: x\r\n\r\n`,
    (method: string, path: string) => `${method} ${path} x HTTP/1.1\r\nhost: x\r\n\r\n`,
    (_: string, path: string) => `HACK ${path} HTTP/1.1\r\nhost: x\r\n\r\n`,
    () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]),
  ].map((raw) => ({ raw })),
};
