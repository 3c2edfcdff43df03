// What an event says of a code goes into its row: since when the lock holds it, or that it is to be compared with what was
// asked. Where a person should look, the entry of its history is an alert.
import { isOpen } from '../core/access-code.ts';
import type { HistoryKind } from '../core/alert.ts';
import type { AboutCode } from '../core/seam-event.ts';
import { type CodeNews, notReadyEvents } from '../core/seam-event-types.ts';
import type { StoredCode } from '../db/access-codes.ts';
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
  const at = about.occurredAt ?? report.at;
  const entry = (alert: boolean, detail = {}): Promise<HistoryEntry> =>
    reportEntry(tx, code, { ...report, kind: kinds[news] ?? 'code.reported', alert, detail });
  const justReported = (): Promise<HistoryEntry> =>
    reportEntry(tx, code, { ...report, kind: 'code.reported', alert: false });
  if (!isOpen(code)) return justReported();
  switch (news) {
    case 'ready': {
      // It came late: since then the lock has lost the code, or failed to take it.
      if (await isToldSince(tx, about.accessCodeId, at, notReadyEvents)) return justReported();
      const isFirst = code.readyAt === null;
      if (isFirst) await noteReport(tx, code, { readyAt: at });
      return entry(false, isFirst ? await gapDetail(tx, code, at) : {});
    }
    case 'setting_trouble': {
      if (code.readyAt !== null && at < code.readyAt) return justReported();
      await noteReport(tx, code, { readyAt: null });
      // A device that cannot be reached is one alert, not one for each of its codes.
      const device = await loadDevice(tx, code.deviceId);
      return device?.awaySince == null ? entry(true) : justReported();
    }
    case 'taken_off':
      await noteReport(tx, code, { readyAt: null });
      return entry(false);
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

/** How long the door was without a code before this one was ready; none where the last one was still there. */
export async function gapDetail(tx: Tx, code: StoredCode, readyAt: Date): Promise<{ gap_ms?: number }> {
  const removedAt = await removedBefore(tx, code);
  if (removedAt === undefined) return {};
  return { gap_ms: removedAt === null ? 0 : Math.max(0, readyAt.getTime() - removedAt.getTime()) };
}
