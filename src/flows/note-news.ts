// What an event says of a code goes into its row: since when the lock holds it, or that it is to be compared with what was
// asked. Where a person should look, the entry of its history is an alert.
import { isOpen } from '../core/access-code.ts';
import type { HistoryKind } from '../core/alert.ts';
import type { AboutCode } from '../core/seam-event.ts';
import { type CodeNews, notReadyEvents, readyEvents } from '../core/seam-event-types.ts';
import { lockCode, type StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { isToldSince, noteReport, removedBefore } from '../db/code-reports.ts';
import { loadDevice } from '../db/devices.ts';
import type { HistoryEntry } from '../db/history.ts';
import type { FlowDeps } from './flow-deps.ts';
import { type EventReport, reportEntry } from './report.ts';
import { requestPlans } from './request-plans.ts';

const kinds: Partial<Record<CodeNews, HistoryKind>> = {
  ready: 'code.ready',
  setting_trouble: 'code.not_ready',
  removing_trouble: 'code.removing_late',
  taken_off: 'code.watched',
};

/** Notes the news and answers the entry that tells of it; what a later report has overtaken changes nothing. */
export async function noteNews(
  deps: FlowDeps,
  tx: Tx,
  code: StoredCode,
  about: AboutCode & { readonly news: CodeNews },
  report: EventReport,
): Promise<HistoryEntry> {
  const { news } = about;
  const entry = (alert: boolean): Promise<HistoryEntry> =>
    reportEntry(tx, code, { ...report, kind: kinds[news] ?? 'code.reported', alert });
  if (!isOpen(code)) return reportEntry(tx, code, { ...report, kind: 'code.reported', alert: false });
  switch (news) {
    case 'ready':
    case 'setting_trouble':
    case 'taken_off':
      return noteReadiness(tx, code, { ...about, news }, report);
    case 'changed':
      await requestPlans(deps, tx, [code]);
      await noteReport(tx, code, { changedSignalAt: report.at });
      return entry(false);
    case 'backup_pulled':
      if (about.backupAccessCodeId !== undefined)
        await noteReport(tx, code, { backupAccessCodeId: about.backupAccessCodeId });
      return entry(false);
    default:
      return entry(news === 'removing_trouble');
  }
}

/** Whether the lock holds the code: what was told last by Seam's clock counts, in whatever order it comes. */
async function noteReadiness(
  tx: Tx,
  read: StoredCode,
  about: AboutCode & { readonly news: 'ready' | 'setting_trouble' | 'taken_off' },
  report: EventReport,
): Promise<HistoryEntry> {
  // Two reports of one code take turns: each sees what the other has noted, or finds it in the inbox.
  const code = (await lockCode(tx, read.id)) ?? read;
  const { news, accessCodeId } = about;
  const at = about.occurredAt ?? report.at;
  const entry = (alert: boolean, more = {}): Promise<HistoryEntry> =>
    reportEntry(tx, code, { ...report, kind: kinds[news] ?? 'code.reported', alert, ...more });
  const justReported = (isOvertaken: boolean): Promise<HistoryEntry> =>
    entry(false, { kind: 'code.reported', isOvertaken });
  if (!isOpen(code)) return justReported(false);
  const isReady = news === 'ready';
  const isBeforeReady = !isReady && code.readyAt !== null && at < code.readyAt;
  if (isBeforeReady || (await isToldSince(tx, accessCodeId, at, isReady ? notReadyEvents : readyEvents)))
    return justReported(true);
  if (isReady) {
    if (code.readyAt !== null) return entry(false);
    await noteReport(tx, code, { readyAt: at });
    return entry(false, { detail: await gapDetail(tx, code, at) });
  }
  await noteReport(tx, code, { readyAt: null });
  if (news === 'taken_off') return entry(false);
  // A device that cannot be reached is one alert, not one for each of its codes.
  const device = await loadDevice(tx, code.deviceId);
  return device?.awaySince == null ? entry(true) : justReported(false);
}

/** How long the door was without a code before this one was ready; none where the last one was still there. */
export async function gapDetail(tx: Tx, code: StoredCode, readyAt: Date): Promise<{ gap_ms?: number }> {
  const removedAt = await removedBefore(tx, code);
  if (removedAt === undefined) return {};
  return { gap_ms: removedAt === null ? 0 : Math.max(0, readyAt.getTime() - removedAt.getTime()) };
}
