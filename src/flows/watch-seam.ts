// What a call to Seam leaves behind, whoever makes it: one log line, a count, and a span.
import type { Logger } from 'pino';
import type { SeamCallAbout, SeamWatch } from '../seam/api.ts';
import type { SeamResult } from '../seam/errors.ts';
import type { SeamAnswer } from '../seam/request-ids.ts';
import { runUnit, type Telemetry } from '../telemetry/telemetry.ts';
import { currentUnit } from '../telemetry/unit.ts';

/** Watches the calls of one `SeamApi`. Of what is sent and answered only ids are told. */
export function watchSeam({ telemetry, log }: { telemetry: Telemetry; log: Logger }): SeamWatch {
  const { meter } = telemetry;
  return <T>(about: SeamCallAbout, ask: () => Promise<SeamAnswer<T>>): Promise<SeamResult<T>> => {
    const { route, isWrite, deviceId, accessCodeId } = about;
    const ids = { device_id: shownId(deviceId), access_code_id: shownId(accessCodeId) };
    noteReplacement(telemetry, route);
    return runUnit(telemetry, { name: `seam ${route}`, kind: 'client', attributes: ids }, async () => {
      const startedMs = performance.now();
      const { result, requestIds } = await ask();
      const durationMs = performance.now() - startedMs;
      const outcome = result.ok ? 'ok' : result.failure.kind;
      meter.seamCalled(route, outcome, durationMs / 1_000);
      const attributes = {
        access_code_id: ids.access_code_id ?? madeIn(result),
        seam_request_id: requestIds.join(' '),
      };
      const line = { event: 'seam.called', route, outcome, ...attributes, duration_ms: Math.round(durationMs) };
      // What changes a door is news, whatever the flow says of it; a look is none.
      log[isWrite ? 'info' : 'debug'](line);
      return { result, end: { outcome, isFailed: !result.ok, attributes } };
    });
  };
}

/** Who reads a device by the API may have put anything in the place of its id. */
function shownId(id: string | undefined): string | undefined {
  return id === undefined || /^[\w-]{1,64}$/.test(id) ? id : 'no id';
}

/** The first creation in a job that a removal led to asks for its replacement. */
function noteReplacement({ meter }: Telemetry, route: string): void {
  const unit = currentUnit();
  if (route !== '/access_codes/create' || unit?.removalReceivedAt === undefined) return;
  meter.replacementAsked(Math.max(0, Date.now() - unit.removalReceivedAt.getTime()) / 1_000);
  unit.removalReceivedAt = undefined;
}

function madeIn(result: SeamResult<unknown>): string | undefined {
  if (!result.ok || typeof result.value !== 'object' || result.value === null) return undefined;
  const { accessCodeId } = result.value as { accessCodeId?: unknown };
  return typeof accessCodeId === 'string' ? accessCodeId : undefined;
}
