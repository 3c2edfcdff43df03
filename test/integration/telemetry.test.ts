// One removal, from its delivery to the new code: as log lines tell it, as a trace shows it, and as /metrics counts it.
import { afterEach, expect, it, vi } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const token = 'token-of-whoever-may-see-metrics';

afterEach(() => vi.unstubAllEnvs());

/** Two doors, of which the back one cannot be reached: its window begins without a code. */
async function startMeasured(collector: Collector): Promise<World> {
  // Its libraries read from the environment whereto they send.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=relatch-tests');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
  const world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    metrics: { port: undefined, token },
    traces: { sampler: undefined, samplerArg: undefined, protocol: undefined },
  });
  world.simulator.device(backDoor).goOffline();
  const hours = { timezone: 'UTC', windows: daily('14:00', '16:00') };
  const guard = aSchedule({ key: 'guard', name: 'Guard', devices: [backDoor], ...hours });
  await world.apply(schedulesFile([aSchedule(hours), guard]));
  return world;
}

function linesOf(world: World, fields: Record<string, unknown>): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = world.logLines.map((line) => JSON.parse(line));
  return lines.filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
}

function only<T>(found: readonly T[]): T {
  expect(found).toHaveLength(1);
  return found[0]!;
}

it('tells one removal by ids alone, from the delivery over jobs and calls to the new code, in lines, spans and counts', async () => {
  await using collector = await startCollector();
  await using world = await startMeasured(collector);
  const first = world.onlyCode().access_code_id;
  await world.until('2027-03-08T16:05:00Z');

  const event = { event_type: 'access_code.removed_from_device', access_code_id: first };
  const delivery = only(linesOf(world, { event: 'webhook.received', ...event }));
  const { message_id, seam_event_id, trace_id } = delivery;
  expect(message_id).toMatch(/^msg_/);
  const eventJob = only(linesOf(world, { event: 'job.attempted', job_kind: 'event', seam_event_id }));
  const planJob = only(linesOf(world, { event: 'job.attempted', job_kind: 'plan', seam_event_id }));
  const { job_id, schedule_id, device_id } = planJob;
  expect(device_id).toBe(frontDoor);
  const call = only(linesOf(world, { event: 'seam.called', route: '/access_codes/create', job_id }));
  const { seam_request_id, access_code_id } = call;
  const created = only(linesOf(world, { event: 'code.created', job_id, access_code_id }));
  expect(created).toMatchObject({ schedule_id, device_id, seam_event_id, code_id: expect.any(String) });
  expect(access_code_id).toBe(world.onlyCode().access_code_id);
  expect(new Set([eventJob, planJob, call, created].map((line) => line.trace_id))).toEqual(new Set([trace_id]));

  const page = await metricsOf(world);
  expect(page).toMatchObject({
    relatch_database_up: 1,
    'relatch_deliveries_total{outcome="refused"}': 0,
    'relatch_jobs_total{queue="plan",outcome="failed"}': 0,
    'relatch_seam_calls_total{route="/access_codes/create",outcome="ok"}': 4,
    relatch_renewal_seconds_count: 1,
    'relatch_windows_begun{span="24h",code="ready"}': 1,
    'relatch_windows_begun{span="24h",code="unready"}': 1,
    'relatch_windows_begun{span="1h",code="ready"}': 0,
    'relatch_windows_unready{begins="now"}': 0,
    'relatch_windows_unready{begins="24h"}': 1,
    relatch_next_unready_window_seconds: (24 - 2) * 3_600 - 5 * 60,
    'relatch_schedules{status="active"}': 2,
    'relatch_schedules{status="paused"}': 0,
    'relatch_alerts{kind="code.not_ready",state="open"}': 1,
    'relatch_seam_line{state="clear"}': 1,
    'relatch_seam_budget_calls{call="create"}': 10,
    relatch_dead_letters_open: 0,
    relatch_inbox_waiting: 0,
  });
  expect(page['relatch_deliveries_total{outcome="accepted"}']).toBe(page.relatch_acknowledgement_seconds_count);

  await world.stop();
  const trace = collector.spans.filter((span) => span.traceId === trace_id);
  const root = only(trace.filter(({ name }) => name === 'delivery'));
  expect(root.parentSpanId).toBeUndefined();
  expect(root.attributes).toMatchObject({ 'relatch.message_id': message_id, 'relatch.seam_event_id': seam_event_id });
  const handled = only(trace.filter(({ name }) => name === 'job event'));
  expect(handled.parentSpanId).toBe(root.spanId);
  const planned = only(trace.filter(({ name }) => name === 'job plan'));
  expect(planned.parentSpanId).toBe(handled.spanId);
  const asked = only(trace.filter(({ name }) => name === 'seam /access_codes/create'));
  expect(asked.parentSpanId).toBe(planned.spanId);
  expect(asked.attributes).toMatchObject({ 'relatch.seam_request_id': seam_request_id });
  expect(asked.resource).toMatchObject({ 'service.name': 'relatch', 'deployment.environment.name': 'test' });
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-tenant': 'relatch-tests' } });
});

/** Values by name and labels. */
async function metricsOf(world: World): Promise<Record<string, number>> {
  const response = await fetch(`${world.relatch.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const samples = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}
