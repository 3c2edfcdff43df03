// A device that Seam cannot reach is one alert, however many codes it has; when it is back, its doors are planned at once.
import type { EventMeaning } from '../core/seam-event.ts';
import { findCodeById, raiseGeneration } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { noteDevicesBack, noteDevicesGone, takeBackDeletions } from '../db/code-reports.ts';
import { doorsOfDevices, loadDevice, noteReach } from '../db/devices.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import type { Door } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { type EventReport, reportEntry } from './report.ts';
import { requestPlans } from './request-plans.ts';

type ReachEvent = Extract<EventMeaning, { kind: 'reach' }>;

/** Notes it and answers what was written to the history, which is nothing where it was known; null where no door of ours is concerned. */
export async function recordReach(
  deps: FlowDeps,
  tx: Tx,
  event: ReachEvent,
  report: EventReport,
): Promise<HistoryEntry[] | null> {
  const { about, awayBecause, lostCodes } = event;
  const at = event.occurredAt ?? report.at;
  const isUnknown = 'deviceId' in about && (await loadDevice(tx, about.deviceId)) === null;
  const devices = isUnknown
    ? [{ id: about.deviceId, name: `device ${about.deviceId}`, isNews: true }]
    : await noteReach(tx, { about, awayBecause, at });
  const doors = await doorsOfDevices(
    tx,
    devices.map(({ id }) => id),
  );
  if (doors.length === 0) return null;
  const ours = devices.filter(({ id, isNews }) => isNews && doors.some(({ deviceId }) => deviceId === id));
  // A removal that is told late, or only by the return, still says what became of the codes of then.
  if (ours.length === 0 && !lostCodes) return [];
  const ids = (lostCodes ? devices : ours).map(({ id }) => id);
  // First, because it locks the doors' rows in their order.
  await requestPlans(deps, tx, doors);
  if (lostCodes) await noteDevicesGone(tx, ids, at);
  if (awayBecause === null) await noteDevicesBack(tx, ids);
  const entries = ours.map((device): HistoryEntry => {
    const schedules = new Set(
      doors.flatMap(({ deviceId, scheduleId }) => (deviceId === device.id ? [scheduleId] : [])),
    );
    return {
      at: report.at,
      kind: awayBecause === null ? 'device.back' : 'device.away',
      alert: awayBecause !== null,
      message: tell(device.name, event, schedules.size),
      deviceId: device.id,
      eventKey: report.eventKey,
      detail: { event_type: report.eventType, device_name: device.name, since: at.toISOString() },
    };
  });
  if (lostCodes) entries.push(...(await reopenClosed(tx, ids, at, report)));
  for (const entry of entries) await insertHistory(tx, entry);
  return entries;
}

/** Windows that were taken for closed by somebody, because it was not known yet that the device had been away. */
async function reopenClosed(
  tx: Tx,
  deviceIds: readonly string[],
  goneAt: Date,
  report: EventReport,
): Promise<HistoryEntry[]> {
  const sentence = 'Not deleted by anybody but gone with its device, and opened again';
  const entries: HistoryEntry[] = [];
  for (const id of await takeBackDeletions(tx, deviceIds, { goneAt, now: report.at })) {
    const code = await findCodeById(tx, id);
    if (code === null) continue;
    await raiseGeneration(tx, code, report.at);
    entries.push(await reportEntry(tx, code, { ...report, kind: 'window.reopened', alert: false, sentence }));
  }
  return entries;
}

/** As `recordReach`, for what was found by asking: Seam has the device no more, or has it again. Says only what is news. */
export async function recordFound(deps: FlowDeps, { key, device, input }: Door, isThere: boolean): Promise<void> {
  if (device === null || (device.awayBecause === 'removed') !== isThere) return;
  const about = { deviceId: key.deviceId };
  const awayBecause = isThere ? null : 'removed';
  const event: ReachEvent = { kind: 'reach', about, awayBecause, lostCodes: !isThere, occurredAt: input.now };
  const entries = await deps.db.prisma.$transaction((tx) =>
    recordReach(deps, tx, event, { eventKey: undefined, eventType: 'asked', at: input.now }),
  );
  for (const entry of entries ?? []) logEntry(deps.log, entry);
}

function tell(name: string, { about, awayBecause }: ReachEvent, schedules: number): string {
  if (awayBecause === null) return `${name} is back.`;
  const isOfAccount = 'connectedAccountId' in about;
  const what =
    awayBecause === 'removed'
      ? `${name} is gone from Seam, with its codes: its ${isOfAccount ? 'account was deleted' : 'device was removed, deleted or given up there'}`
      : `${name} cannot be reached by Seam: ${isOfAccount ? 'its account is disconnected' : 'it is offline'}`;
  const remedy =
    awayBecause === 'removed'
      ? 'Connect it to Seam again, or take it out of the schedules.'
      : isOfAccount
        ? 'Connect the account to Seam again.'
        : 'Check its power, its hub and its network.';
  return `${what}. Codes of ${schedules} ${schedules === 1 ? 'schedule' : 'schedules'} can be neither set nor removed until it is back. ${remedy}`;
}
