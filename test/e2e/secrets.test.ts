// Every stage looks through all that its instances wrote when it ends. Here they are tempted.
import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { aRemovedEvent, otherWebhookSecret, sign } from '../support/sign.ts';
import { assertNothingSecret, deliver, secretsOf, slowMs, startStage } from './stage.ts';

const metricsToken = 'token-of-prometheus-and-nobody-else';

it('writes no PIN, key, secret or password anywhere, though Seam, an event and a forgery repeat them', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  await using collector = await startCollector();
  const service = await stage.startServing({
    METRICS_PORT: '0',
    METRICS_TOKEN: metricsToken,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${metricsToken}`,
  });
  const [{ code: pin, device_id, access_code_id } = { code: null, device_id: '', access_code_id: '' }] =
    simulator.codes();
  expect(pin).toMatch(/^\d{8}$/);

  const said = `The code ${pin} cannot be used`;
  const page = `<html>${said}: authorization Bearer ${simulator.apiKey}</html>`;
  const refusal = {
    error: {
      type: 'invalid_input',
      message: said,
      request_id: randomUUID(),
      validation_errors: { code: { _errors: [said] } },
    },
    ok: false,
  };
  simulator.faults.next('/access_codes/create', { kind: 'status', status: 502, body: page });
  simulator.faults.next('/access_codes/create', { kind: 'status', status: 400, body: refusal });
  const event = { ...aRemovedEvent({ access_code_id, device_id }), event_type: 'access_code.changed', code: pin };
  const changes = { changed_properties: [{ property: 'code', from: pin, to: pin }], message: said };
  expect(await deliver(service, sign(JSON.stringify({ ...event, ...changes })))).toBe(202);
  expect(await deliver(service, sign(said))).toBe(202);
  expect(await deliver(service, sign(said, { secret: otherWebhookSecret }))).toBe(401);
  await deliver(service, await stage.outlive());
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'rejected']);
  }, slowMs);
  await stage.rest();

  const secrets = secretsOf(simulator, stage.env);
  expect([...secrets.values()]).toContain(pin);
  expect(() => assertNothingSecret(page, secrets)).toThrow('the API key, a PIN');
  const [, metricsUrl = ''] = /"metrics_url":"([^"]+)"/.exec(service.logs()) ?? [];
  expect((await fetch(metricsUrl)).status).toBe(401);
  const headers = { authorization: `Bearer ${metricsToken}` };
  const pages = await Promise.all([metricsUrl, `${service.url}/metrics`].map((url) => fetch(url, { headers })));
  for (const shown of pages) {
    const text = await shown.text();
    expect(text).toMatch(/^relatch_seam_calls_total.*rejected/m);
    assertNothingSecret(text, secrets);
  }
  secrets.set('the token of /metrics', metricsToken);
  service.kill('SIGTERM');
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(collector.spans.map(({ name }) => name)).toContain('seam /access_codes/create');
  assertNothingSecret(JSON.stringify(collector.spans), secrets);
  // What Seam refuses, its support can find.
  expect(service.logs()).toMatch(/"seam.called",[^\n]*"outcome":"rejected",[^\n]*"seam_request_id":"[\w-]{36}"/);
  assertNothingSecret(service.logs(), secrets);
  for (const table of ['inbox', 'history', 'pgboss.job', 'access_codes', 'schedules', 'schedule_devices', 'devices']) {
    const { rows } = await db.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`);
    expect(rows, table).not.toHaveLength(0);
    assertNothingSecret(rows.map(({ row }) => row).join('\n'), secrets);
  }
});
