import type { HistoryKind } from '../core/alert.ts';
import type { StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { loadDoorNames } from '../db/devices.ts';
import type { HistoryEntry } from '../db/history.ts';
import { hoursOf, windowOf } from './door.ts';

const sentences: Readonly<Record<string, string>> = {
  'access_code.set_on_device': 'Set on the lock',
  'access_code.scheduled_on_device': 'Stored on the lock ahead of its time',
  'access_code.removed_from_device': 'Gone from the lock',
  'access_code.deleted': 'Deleted in Seam',
  'access_code.failed_to_set_on_device': 'Not set on the lock yet, Seam keeps trying',
  'access_code.delay_in_setting_on_device': 'Setting it on the lock is late',
  'access_code.failed_to_remove_from_device': 'Still on the lock, Seam keeps trying to remove it',
  'access_code.delay_in_removing_from_device': 'Removing it from the lock is late',
  'access_code.modified_external_to_seam': 'Changed by somebody in the lock’s own app',
  'access_code.deleted_external_to_seam': 'Removed by somebody in the lock’s own app',
};

/** What to do about it, where somebody should. */
const remedies: Readonly<Record<string, string>> = {
  'code.not_ready': 'Check that the lock is online and has battery.',
  'code.removing_late': 'Until it is gone its PIN opens the door: check that the lock is online.',
};

/** Which event it was, if any, and when it is told. */
export interface EventReport {
  readonly eventKey: string | undefined;
  readonly eventType: string;
  readonly at: Date;
}

/** What Seam reported about a code of ours, as a line of its history. */
export async function reportEntry(
  tx: Tx,
  code: StoredCode,
  report: EventReport & {
    kind: HistoryKind;
    alert: boolean;
    detail?: object;
    sentence?: string;
    isOvertaken?: boolean;
  },
): Promise<HistoryEntry> {
  const { eventKey, eventType, kind, alert, at } = report;
  const { scheduleKey, scheduleName, timezone, deviceName, holder } = await loadDoorNames(tx, code);
  const what = report.sentence ?? sentences[eventType] ?? `Seam reports ${eventType}`;
  const told = report.isOvertaken === true ? 'Overtaken by a later report: ' : '';
  const when = timezone === null ? '' : `, ${hoursOf(timezone, windowOf(code))}`;
  const whose = `${scheduleName ?? code.scheduleId} at ${deviceName ?? `device ${code.deviceId}`}${when}`;
  const remedy = alert ? ` ${remedies[kind] ?? ''}`.trimEnd() : '';
  return {
    at,
    kind,
    alert,
    message: `${told}${what}: the code of ${whose}.${remedy}`,
    scheduleId: code.scheduleId,
    deviceId: code.deviceId,
    codeId: code.id,
    eventKey,
    holder,
    detail: {
      event_type: eventType,
      access_code_id: code.accessCodeId,
      schedule_key: scheduleKey,
      schedule_name: scheduleName,
      device_name: deviceName,
      window_starts_at: code.windowStartsAt.toISOString(),
      window_ends_at: code.windowEndsAt.toISOString(),
      ...report.detail,
    },
  };
}
