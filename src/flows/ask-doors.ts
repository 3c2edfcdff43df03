// What the doors of a schedules file take is read from Seam before the file is judged, so that what cannot be is said then and not
// when the first window opens. It is bounded, and does without: a file can be applied while Seam is down.
import type { SchedulesFile } from '../core/schedules-file.ts';
import { loadDevices, saveDevice } from '../db/devices.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import type { SeamApi } from '../seam/api.ts';
import type { FlowDeps } from './flow-deps.ts';
import { freshForMs } from './know-device.ts';

export type DoorReader = Pick<SeamApi, 'getDevice'>;

export interface AskedDoors {
  /** Devices that Seam does not know. */
  readonly unknown: ReadonlySet<string>;
  /** Sentences for people: which doors were not asked, and why. */
  readonly notes: readonly string[];
}

const askedAtMost = 200;
const askedAtOnce = 5;
const asksForMs = 15_000;

type AskDeps = Pick<FlowDeps, 'db' | 'now'> & { readonly seam?: DoorReader | null | undefined };

/** Reads anew from Seam what is known of the file's doors for more than an hour, or not at all, and stores it. */
export async function askDoors({ db, now, seam }: AskDeps, file: SchedulesFile): Promise<AskedDoors> {
  const unknown = new Set<string>();
  if (seam === undefined) return { unknown, notes: [] };
  const stale = await staleDoors({ db, now }, file);
  if (stale.length === 0) return { unknown, notes: [] };
  if (seam === null) return { unknown, notes: [notAsked(stale.length, 'SEAM_API_KEY is not set, or cannot be used')] };

  const until = performance.now() + asksForMs;
  const queue = stale.slice(0, askedAtMost);
  let left = stale.length;
  let reason = `${askedAtMost} doors are asked at a time, for ${asksForMs / 1_000} s at most`;
  let isStopped = false;
  const ask = async (): Promise<void> => {
    for (;;) {
      if (isStopped || performance.now() > until) return;
      const deviceId = queue.shift();
      if (deviceId === undefined) return;
      const asked = await seam.getDevice(deviceId);
      if (asked.ok) await saveDevice(db.prisma, asked.value, now());
      else if (asked.failure.kind === 'device_not_found') unknown.add(deviceId);
      else {
        // It would be no better at the next door.
        isStopped = true;
        reason = asked.failure.message;
        return;
      }
      left -= 1;
    }
  };
  await Promise.all(Array.from({ length: askedAtOnce }, ask));
  return { unknown, notes: left > 0 ? [notAsked(left, reason)] : [] };
}

async function staleDoors({ db, now }: Pick<FlowDeps, 'db' | 'now'>, { schedules }: SchedulesFile): Promise<string[]> {
  const stored = await loadSchedulesByKeys(
    db.prisma,
    schedules.map(({ key }) => key),
  );
  const given = schedules.flatMap((entry) => entry.given.devices ?? []);
  const kept = stored.flatMap(({ devices }) => devices.map(({ deviceId }) => deviceId));
  const ids = [...new Set([...given, ...kept])];
  const known = await loadDevices(db.prisma, ids);
  const since = now().getTime() - freshForMs;
  return ids.filter((id) => (known.get(id)?.refreshedAt.getTime() ?? Number.NEGATIVE_INFINITY) <= since);
}

function notAsked(doors: number, reason: string): string {
  const why = reason.replace(/\.$/, '');
  return doors === 1
    ? `1 door was not asked what codes it takes (${why}): what is known of it had to do; the rest is found out when its codes are made.`
    : `${doors} doors were not asked what codes they take (${why}): what is known of them had to do; the rest is found out when their codes are made.`;
}
