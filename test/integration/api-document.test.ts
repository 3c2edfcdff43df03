// What the API says of itself.
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { apiRoutes } from '../../src/http/api-routes.ts';
import { call } from '../support/api.ts';
import { startWorld } from '../support/relatch.ts';

it('describes every route in a valid OpenAPI document, and shows it on a page that asks no other host', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const document = await call(world, 'GET /openapi.json', { token: null });
  expect(document.status).toBe(200);
  const validator = new Validator();
  expect(await validator.validate(document.body)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const described = Object.entries<object>(document.body.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(described.toSorted()).toEqual(apiRoutes.map(({ method, path }) => `${method} /v1${path}`).toSorted());

  const page = await call(world, 'GET /docs', { token: null });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
  expect(loaded).toEqual(['data:,', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js', '/docs/start.js']);
  for (const address of loaded.slice(1)) {
    const asset = await call(world, `GET ${address}`, { token: null });
    expect(asset.status).toBe(200);
    expect(asset.headers.get('content-type')).toMatch(/^text\/(css|javascript)/);
    expect(asset.text.length).toBeGreaterThan(50);
  }
});

it('is off without a token, and says which setting turns it on', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.stop();
  await world.start({ api: { tokens: [] } });
  for (const path of ['/v1/schedules', '/v1/nothing']) {
    const answer = await call(world, `GET ${path}`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'api_off' } });
    expect(answer.body.detail).toContain('ADMIN_TOKENS');
  }
  expect(world.logLines.filter((line) => line.includes('api.off'))).toHaveLength(1);
});
