import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpAppUnderTest, webhookPath } from '../support/http-app.ts';
import { aRemovedEvent, type SignedDelivery, sign } from '../support/sign.ts';

let app: HttpAppUnderTest;
beforeAll(async () => {
  app = await HttpAppUnderTest.start();
});
beforeEach(() => app.reset());
afterAll(() => app.close());

describe('a delivery that is refused', () => {
  const body = JSON.stringify(aRemovedEvent());
  const good = sign(body);
  const without = (name: keyof SignedDelivery['headers']) => {
    const { [name]: _, ...headers } = good.headers;
    return { body, headers };
  };
  const stale = (seconds: number) => sign(body, { at: new Date(Date.now() + seconds * 1_000) });

  it.each([
    ['without svix-id', without('svix-id'), 401, 'headers_missing'],
    ['without svix-timestamp', without('svix-timestamp'), 401, 'headers_missing'],
    ['without svix-signature', without('svix-signature'), 401, 'headers_missing'],
    ['with an empty header', { body, headers: { ...good.headers, 'svix-id': '' } }, 401, 'headers_missing'],
    ['too old', stale(-302), 401, 'timestamp_out_of_tolerance'],
    ['too new', stale(310), 401, 'timestamp_out_of_tolerance'],
    [
      'with a timestamp that is none',
      { body, headers: { ...good.headers, 'svix-timestamp': 'now' } },
      401,
      'signature_invalid',
    ],
    ['with a changed body', { ...good, body: `${body} ` }, 401, 'signature_invalid'],
    ['with a changed id', { body, headers: { ...good.headers, 'svix-id': 'msg_other' } }, 401, 'signature_invalid'],
    ['with another secret', sign(body, { secret: `whsec_${btoa('nobody knows this')}` }), 401, 'signature_invalid'],
    [
      'with nonsense for a signature',
      { body, headers: { ...good.headers, 'svix-signature': 'v1 v1, ,' } },
      401,
      'signature_invalid',
    ],
    ['unsigned and no JSON', { body: 'hello', headers: { ...good.headers } }, 401, 'signature_invalid'],
    ['empty', sign(''), 400, 'body_empty'],
    ['too large', sign(`"${'x'.repeat(256 * 1024)}"`), 413, 'body_too_large'],
    [
      'marked as compressed',
      { body, headers: { ...good.headers, 'content-encoding': 'gzip' } },
      415,
      'content_encoding_unsupported',
    ],
  ])('%s', async (_, delivery, status, code) => {
    const response = await app.deliver(delivery);
    expect(response.status).toBe(status);
    expect(response.type).toBe('application/problem+json');
    const problem = JSON.parse(response.text);
    expect(problem).toMatchObject({
      type: 'about:blank',
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
    });
    expect(app.received()).toMatchObject({
      level: 'warn',
      outcome: 'refused',
      reason: code,
      request_id: problem.request_id,
    });
    expect(app.lines).toHaveLength(1);
    expect(await app.inbox()).toEqual([]);
    expect(app.wakes).toBe(0);
  });

  it('compressed', async () => {
    const response = await request(app.on(app.db))
      .post(webhookPath)
      .set({ ...good.headers, 'content-encoding': 'gzip' })
      .send(gzipSync(body));
    expect(response.status).toBe(415);
    expect(await app.inbox()).toEqual([]);
  });

  it('of 256 kB is still taken', async () => {
    const padding = 'x'.repeat(256 * 1024 - JSON.stringify({ ...aRemovedEvent(), padding: '' }).length);
    expect((await app.deliver(sign(JSON.stringify({ ...aRemovedEvent(), padding })))).status).toBe(202);
  });

  it.each(['get', 'put', 'patch', 'delete', 'head', 'options'] as const)('by the method %s', async (method) => {
    const response = await request(app.on(app.db))[method](webhookPath);
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toBe('POST');
  });

  it('leaves nothing of its headers and body in the log', async () => {
    await app.deliver(good);
    await app.deliver({
      body: `${body} `,
      headers: { ...good.headers, authorization: 'Bearer hunter2', cookie: 'a=hunter2' },
    });
    expect(app.lines).toHaveLength(2);
    expect(app.lines.join('')).not.toContain(good.headers['svix-signature']);
    expect(app.lines.join('')).not.toContain('hunter2');
    expect(app.lines.join('')).not.toContain(aRemovedEvent().connected_account_id);
  });
});
