// The one call that must not happen twice. Intent is a row; the claim is committed before a byte leaves; what the answer
// was is recorded under the claim's fence. An answer that never came leaves the row `unknown`, to be looked for first.
import { formatInTimeZone } from 'date-fns-tz';
import { codeName } from '../core/access-code.ts';
import { lockProblem, windowProblem } from '../core/device-fit.ts';
import { startAheadMs } from '../core/plan.ts';
import { isTimeZone } from '../core/zone.ts';
import { changeCode, claimForCreate, type StoredCode } from '../db/access-codes.ts';
import type { KnownDevice } from '../db/devices.ts';
import type { SeamFailure, SeamResult } from '../seam/errors.ts';
import { choosePin } from './choose-pin.ts';
import { recordCreated, refuse } from './code-outcome.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { knowDevice } from './know-device.ts';
import { observe } from './observe.ts';
import { postpone } from './postpone.ts';
import { commit } from './record.ts';
import { recordFound } from './record-reach.ts';
import { resolveDuplicate } from './resolve-duplicate.ts';

const secondMs = 1_000;
// Close to its window a code of unknown outcome is looked for sooner: the same PIN in the repeat still guards it.
const nearWindowMs = 300 * secondMs;
const nearSettleMs = 5 * secondMs;
// Facts of a device that were read within this job.
const newsMs = 60 * secondMs;

/** Asks Seam for the code of a planned row and records the outcome. */
export async function createCode(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const device = await knowFitting(deps, door, code);
  if (!device.ok) return postpone(deps, door, code, device.failure);
  warnOfZone(deps, door, device.value, code);
  const misfit = misfitOf(door, device.value, code);
  if (misfit !== null) return refuse(deps, door, code, `${device.value.name} ${misfit}`);
  // Before the claim: a row that has to wait stays as it is.
  const admitted = await deps.seam.admitCreate(door.key.deviceId, code.id);
  if (!admitted.ok) return postpone(deps, door, code, admitted.failure);
  const pin = await choosePin(deps, { ...door, device: device.value }, code);
  if (!pin.ok) return refuse(deps, door, code, pin.problem);

  if (deps.mode === 'observe') return observe(deps, door, code, 'create');
  // The settle time counts from the call, and what came before it may have taken a while.
  const now = deps.now();
  const { startsAt, endsAt } = timesToAsk(code, now, device.value.constraints.includes('start_date_in_future'));
  const isNear = pin.pin !== null && code.windowStartsAt.getTime() - now.getTime() < nearWindowMs;
  const settleMs = isNear ? Math.min(nearSettleMs, deps.settleMs) : deps.settleMs;
  const claimed = await claimForCreate(deps.db.prisma, code, {
    scheduleVersion: door.schedule.version,
    pin: pin.stored,
    startsAt,
    endsAt,
    now,
    quietUntil: new Date(now.getTime() + settleMs),
  });
  if (claimed === null) return;
  const result = await deps.seam.createCode({
    deviceId: door.key.deviceId,
    name: codeName(door.schedule.name, code.marker, device.value.nameLengthMax),
    pin: pin.pin,
    startsAt,
    endsAt,
  });
  if (result.ok) {
    await recordCreated(deps, door, claimed, result.value, false);
    await recordFound(deps, door, true);
  } else await recordFailure(deps, door, claimed, result.failure, pin.pin);
}

/** The lock; asked of Seam anew before a window is refused for what was remembered of it. */
async function knowFitting(deps: FlowDeps, door: Door, code: StoredCode): Promise<SeamResult<KnownDevice>> {
  const known = await knowDevice(deps, door.key.deviceId, door.device);
  if (!known.ok || known.value !== door.device || misfitOf(door, known.value, code) === null) return known;
  return knowDevice(deps, door.key.deviceId, null);
}

function misfitOf({ schedule }: Door, device: KnownDevice, code: StoredCode): string | null {
  return lockProblem(device) ?? windowProblem(windowOf(code), device, schedule.timezone);
}

async function recordFailure(
  deps: FlowDeps,
  door: Door,
  claimed: StoredCode,
  failure: SeamFailure,
  pin: string | null,
): Promise<void> {
  switch (failure.kind) {
    case 'rejected':
      return refuse(deps, door, claimed, failure.message);
    case 'duplicate':
      return resolveDuplicate(deps, door, claimed, pin, failure);
    case 'unknown': {
      const message = `Not known whether it happened: the code of ${describeWindow(door, windowOf(claimed))}; ${failure.message}.`;
      const entry = entryFor(door, 'code.unsettled', message, {
        codeId: claimed.id,
        detail: { reason: failure.message, next_try_at: claimed.quietUntil?.toISOString() ?? null },
      });
      await commit(deps, entry, (tx) => changeCode(tx, claimed, { state: 'unknown', reason: failure.message }));
      return;
    }
    default:
      return postpone(deps, door, claimed, failure, { state: 'planned' });
  }
}

/** Never outside the plan of this moment: a window in progress is joined now, whole seconds, rounded inwards. */
function timesToAsk(code: StoredCode, now: Date, startsInFuture: boolean): { startsAt: Date; endsAt: Date } {
  const soonestMs = now.getTime() + (startsInFuture ? startAheadMs : 0);
  const startsMs = Math.max(code.windowStartsAt.getTime(), Math.floor(soonestMs / secondMs) * secondMs);
  return { startsAt: new Date(startsMs), endsAt: code.windowEndsAt };
}

/** A lock that reads its clock in another zone may open at other hours: said whenever its facts were read anew. */
function warnOfZone(deps: FlowDeps, door: Door, device: KnownDevice, code: StoredCode): void {
  const { schedule, key, input } = door;
  const zone = device.timezone;
  const isNews = input.now.getTime() - device.refreshedAt.getTime() < newsMs;
  if (zone === null || !isTimeZone(zone) || !isNews) return;
  const offsetIn = (name: string): string => formatInTimeZone(code.windowStartsAt, name, 'xxx');
  if (offsetIn(zone) === offsetIn(schedule.timezone)) return;
  deps.log.warn(
    { event: 'device.zone_differs', schedule_id: key.scheduleId, device_id: key.deviceId },
    `${device.name} is in ${zone} for Seam, the schedule ${schedule.name} is in ${schedule.timezone}: its hours are the schedule's. Correct whichever is wrong.`,
  );
}
