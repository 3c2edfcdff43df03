import { Seam } from 'seam';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/telemetry/log.ts';

const secret = 'hunter2';

function capture(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ level: 'trace', destination: { write: (line) => lines.push(line) } }));
  return lines.join('');
}

describe('createLog', () => {
  it('writes one JSON line with level, time and fields in snake_case', () => {
    const line = JSON.parse(capture((log) => log.info({ event: 'job.attempted', job_id: 'a' }, 'done')));
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: 'relatch',
      process_id: process.pid,
      event: 'job.attempted',
      job_id: 'a',
      message: 'done',
    });
  });

  it.each([
    'code',
    'pin',
    'pinCiphertext',
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'svix-signature',
    'webhook-signature',
    'api_key',
    'apiKey',
    'SEAM_API_KEY',
    'secret',
    'secrets',
    'webhookSecrets',
    'DATABASE_URL',
    'password',
  ])('cuts %s at any depth, in children and beside errors', (key) => {
    const hidden = { [key]: secret };
    const text = capture((log) => {
      log.info(hidden);
      log.info({ a: { b: [{ c: { d: hidden } }, { [key]: [secret] }, { [key]: { x: secret } }] } });
      log.child(hidden).info('x');
      log.child({ headers: hidden }).info({ err: Object.assign(new Error('x'), hidden, { config: hidden }) });
      log.error(
        Object.assign(new Error('x', { cause: Object.assign(new Error('y'), hidden, { headers: hidden }) }), hidden),
      );
    });
    // An error's own `code` is Node's and says what happened.
    expect(key === 'code' ? text.replaceAll(`"error_code":"${secret}"`, '') : text).not.toContain(secret);
    expect(text).toContain('[cut]');
  });

  it('keeps what an error says: type, message, place, codes and causes', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const { err } = JSON.parse(capture((log) => log.error({ err: new TypeError('broken', { cause }) })));
    expect(err).toMatchObject({
      type: 'TypeError',
      message: 'broken',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'Error', message: 'refused', error_code: 'ECONNREFUSED' },
    });
  });

  it('tells nothing of the request inside an error of the SDK, nor the PIN in its words', async () => {
    const seam = new Seam({
      apiKey: `seam_${secret}`,
      endpoint: 'http://seam.test',
      axiosOptions: {
        adapter: (config) => {
          const error = Object.assign(new Error('status 409'), { isAxiosError: true, config });
          const data = { error: { type: 'duplicate_access_code', message: 'The code 4711 exists' }, ok: false };
          const response = { status: 409, statusText: '', headers: { 'seam-request-id': 'r' }, config, data };
          return Promise.reject(Object.assign(error, { response }));
        },
      },
    });
    const error = await seam.accessCodes.create({ device_id: 'd', code: '4711' }).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(JSON.stringify(Reflect.get(Object(error), 'cause'))).toBeDefined();
    const text = capture((log) => log.error({ err: error, nested: { deeper: [error] } }));
    expect(text).toContain('duplicate_access_code');
    expect(text).not.toMatch(/hunter2|The code 4711|"4711"/);
  });

  it('survives a field that holds itself', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const error = new Error('loop');
    error.cause = error;
    expect(capture((log) => log.info({ loop, err: error }))).toContain('[cut]');
  });
});
