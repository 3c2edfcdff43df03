import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../src/telemetry/log.ts';
import type { Spans } from '../../src/telemetry/telemetry.ts';
import { openSpans } from '../../src/telemetry/traces.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { build, runScript } from '../support/processes.ts';
import { webhookSecret } from '../support/sign.ts';

afterEach(() => vi.unstubAllEnvs());

const job = { name: 'job event', kind: 'consumer', attributes: { job_id: 'job' } } as const;
const done = { result: 'done', end: { outcome: 'handled', isFailed: false } };

function open(
  url: string,
  sampling: { sampler?: string; samplerArg?: string; protocol?: string } = {},
): { spans: Spans; lines: string[] } {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  const { sampler, samplerArg, protocol } = sampling;
  return { spans: openSpans({ sampler, samplerArg, protocol, version: '1.2.3', log }), lines };
}

describe('spans', () => {
  const delivered = (spans: Spans, outcome: string): string | undefined =>
    spans.delivery({ seamEventId: 'event', durationMs: 5, end: { outcome, isFailed: false } });

  it('of one event are one trace on every replica: a delivery that comes again, and its job after a restart', async () => {
    await using collector = await startCollector();
    const [one, other] = [open(collector.url).spans, open(collector.url).spans];
    expect(delivered(one, 'accepted')).toBe(delivered(other, 'duplicate'));
    await other.run({ ...job, cause: { seamEventId: 'event' } }, async () => done);
    await Promise.all([one.close(5_000), other.close(5_000)]);
    const [first] = collector.spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(collector.spans).toHaveLength(3);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(new Set(collector.spans.map(({ parentSpanId }) => parentSpanId))).toEqual(
      new Set([undefined, first?.spanId]),
    );
  });

  it('that fail are marked so, without the words of the error', async () => {
    await using collector = await startCollector();
    const { spans } = open(collector.url);
    const work = () => Promise.reject(new TypeError('the PIN 12345678'));
    await expect(spans.run(job, work)).rejects.toThrow('the PIN');
    await spans.close(5_000);
    expect(collector.spans).toMatchObject([{ status: { code: 2 }, attributes: { 'relatch.outcome': 'TypeError' } }]);
    expect(JSON.stringify(collector.spans)).not.toContain('12345678');
  });

  it.each([
    ['always_off', undefined, 0],
    ['traceidratio', '0', 0],
    ['parentbased_traceidratio', '0', 0],
    ['parentbased_traceidratio', '1', 2],
    ['no_such_sampler', undefined, 2],
    ['traceidratio', 'half', 2],
  ])('are made as OTEL_TRACES_SAMPLER=%s with %s says, of a delivery and its job alike', async (sampler, samplerArg, count) => {
    await using collector = await startCollector();
    const { spans, lines } = open(collector.url, { sampler, ...(samplerArg !== undefined && { samplerArg }) });
    delivered(spans, 'accepted');
    expect(await spans.run({ ...job, cause: { seamEventId: 'event' } }, async () => done)).toBe('done');
    await spans.close(5_000);
    expect(collector.spans).toHaveLength(count);
    const isOdd = sampler === 'no_such_sampler' || samplerArg === 'half';
    expect(lines.some((line) => line.includes('traces.sampler_unknown'))).toBe(isOdd);
  });

  it('are waited for no longer than a stop may take, when the collector hangs', async () => {
    // Else the exporter gives up by itself, in the end.
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '600000');
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { spans, lines } = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { protocol: 'grpc' });
    await spans.run(job, async () => done);
    await spans.close(50);
    expect(lines.filter((line) => line.includes('traces.protocol_unknown'))).toHaveLength(1);
    server.closeAllConnections();
    server.close();
  });

  it('are lost without a word to the work, and with one to the log, when no collector answers', async () => {
    let gone: Collector;
    {
      await using collector = await startCollector();
      gone = collector;
    }
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '50');
    const { spans, lines } = open(gone.url);
    expect(await spans.run(job, async () => done)).toBe('done');
    await spans.close(5_000);
    const told = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'traces.lost');
    expect(told).toMatchObject([{ reason: 'ECONNREFUSED' }]);
  });
});

describe('OpenTelemetry', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  // Says which modules are loaded. The database that is named is not there: the program ends after its telemetry is open.
  const spy = `import { registerHooks } from 'node:module';
    registerHooks({ load: (url, context, next) => (process.stderr.write('loaded ' + url + '\\n'), next(url, context)) });`;
  const env = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(spy)}`,
    SEAM_API_KEY: 'seam_test_key',
    SEAM_WEBHOOK_SECRETS: webhookSecret,
    DATABASE_URL: 'postgresql://127.0.0.1:1/none',
    PIN_ENCRYPTION_KEYS: Buffer.alloc(32, 1).toString('base64'),
  };

  /** Of the built program, in which modules are bundled: by what stands in the files that it loads. */
  async function loadsSdk(changes: Record<string, string>): Promise<boolean> {
    const { code, output } = await runScript(`${root}dist/main.js`, { env: { ...env, ...changes } });
    expect({ code, output }).toMatchObject({ code: 2, output: expect.stringContaining('DATABASE_URL') });
    const files = [...output.matchAll(/^loaded (file:.*)$/gm)].map(([, url = '']) => fileURLToPath(url));
    return files.some((file) => readFileSync(file, 'utf8').includes('BatchSpanProcessorBase'));
  }

  it('is loaded by the built program only where its variables ask for it', async () => {
    await build();
    const runs = [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }].map(loadsSdk);
    expect(await Promise.all(runs)).toEqual([false, true]);
  });
});
