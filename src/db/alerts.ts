import { causeOf, type HistoryKind, resolvedBy, type Subject } from '../core/alert.ts';
import type { Window } from '../core/windows.ts';
import type { Tx } from './client.ts';
import type { Alert as AlertRow } from './generated/client.ts';
import { inBatches } from './in-batches.ts';
import type { PlanKey } from './queue.ts';

/** What needs a person. */
export interface NewAlert extends Subject {
  readonly kind: HistoryKind;
  readonly at: Date;
  readonly message: string;
  /** See `causeOf`. */
  readonly aspect?: string | undefined;
}

/** Raises an alert, or notes that its cause was seen again; an acknowledged one stays acknowledged. */
export async function raiseAlert(tx: Tx, alert: NewAlert): Promise<void> {
  await raiseAlerts(tx, [alert]);
}

/** Raises one alert for each cause, in the words of its last. */
export async function raiseAlerts(tx: Tx, alerts: readonly NewAlert[]): Promise<void> {
  const rows = new Map<string, Record<string, unknown> & { times: number }>();
  for (const { kind, at, message, aspect, ...subject } of alerts) {
    const { scheduleId: schedule_id, deviceId: device_id, codeId: code_id } = subject;
    const cause = causeOf(kind, subject, aspect);
    const times = (rows.get(cause)?.times ?? 0) + 1;
    rows.set(cause, { cause, kind, message, schedule_id, device_id, code_id, at, times });
  }
  // Each writes a message for every endpoint that is told of it: thousands of them take longer than a statement may last.
  await inBatches(
    [...rows.values()],
    (some) => tx.$executeRaw`
    insert into alerts (cause, kind, message, schedule_id, device_id, code_id, raised_at, last_seen_at, times)
    select cause, kind, message, schedule_id, device_id, code_id, at, at, times
      from jsonb_to_recordset(${JSON.stringify(some)}::jsonb)
        as a(cause text, kind text, message text, schedule_id uuid, device_id text, code_id uuid, at timestamptz, times int)
    on conflict (cause) where state <> 'resolved'
    do update set last_seen_at = excluded.last_seen_at, message = excluded.message, times = alerts.times + excluded.times`,
  );
}

/** Whether there is an unresolved alert of this cause, see `causeOf`. */
export async function isRaised(tx: Tx, cause: string): Promise<boolean> {
  return (await tx.alert.count({ where: { cause, state: { not: 'resolved' } } })) > 0;
}

/** Resolves what an entry of this kind settles about its code; without one, about just its schedule and device. */
export async function resolveAlerts(tx: Tx, entry: Subject & { kind: HistoryKind; at: Date }): Promise<void> {
  const kinds = resolvedBy[entry.kind];
  if (kinds === undefined) return;
  const { scheduleId = null, deviceId = null, codeId = null } = entry;
  const subject = codeId === null ? { codeId, deviceId, scheduleId } : { codeId };
  await tx.alert.updateMany({
    where: { ...subject, kind: { in: [...kinds] }, state: { not: 'resolved' } },
    data: { state: 'resolved', settledAt: entry.at, settledBecause: entry.kind },
  });
}

/** As `resolveAlerts`, for entries of one kind about doors and none of their codes. */
export async function resolveAlertsOfDoors(
  tx: Tx,
  kind: HistoryKind,
  entries: readonly (Subject & { at: Date })[],
): Promise<void> {
  const kinds = resolvedBy[kind];
  const [last] = entries.slice(-1);
  if (kinds === undefined || last === undefined) return;
  const doors = new Map(
    entries.map(({ scheduleId, deviceId }) => [`${scheduleId}:${deviceId}`, { scheduleId, deviceId }]),
  );
  await inBatches(
    [...doors.values()],
    (some) => tx.$executeRaw`
    update alerts a set state = 'resolved', settled_at = ${last.at}, settled_because = ${kind}
      from jsonb_to_recordset(${JSON.stringify(some)}::jsonb) as d("scheduleId" uuid, "deviceId" text)
     where a.schedule_id = d."scheduleId" and a.device_id = d."deviceId" and a.code_id is null
       and a.kind = any(${[...kinds]}) and a.state <> 'resolved'`,
  );
}

/**
 * Resolves what was told of windows of a door that somebody closed, when one of its windows is planned or gets the code of another:
 * those that it overlaps are open again, and those that have passed concern nobody.
 */
export async function resolveClosed(
  tx: Tx,
  { scheduleId, deviceId }: PlanKey,
  { startsAt, endsAt }: Window,
  now: Date,
): Promise<void> {
  await tx.$executeRaw`
    update alerts a set state = 'resolved', settled_at = ${now}, settled_because = 'window.planned'
      from access_codes c
     where c.id = a.code_id and c.schedule_id = ${scheduleId}::uuid and c.device_id = ${deviceId}
       and a.kind = 'window.closed' and a.state <> 'resolved'
       and (c.window_ends_at <= ${now} or (c.window_starts_at < ${endsAt} and c.window_ends_at > ${startsAt}))`;
}

/** Resolves the alert about one cause, see `causeOf`. */
export async function resolveCause(tx: Tx, cause: string, because: HistoryKind, at: Date): Promise<void> {
  await tx.alert.updateMany({
    where: { cause, state: { not: 'resolved' } },
    data: { state: 'resolved', settledAt: at, settledBecause: because },
  });
}

/** Resolves alerts of one kind whose cause nobody has seen since `before`; answers with how many. */
export async function resolveUnseen(
  tx: Tx,
  kind: HistoryKind,
  { before, because, at }: { before: Date; because: HistoryKind; at: Date },
): Promise<number> {
  const { count } = await tx.alert.updateMany({
    where: { kind, lastSeenAt: { lt: before }, state: { not: 'resolved' } },
    data: { state: 'resolved', settledAt: at, settledBecause: because },
  });
  return count;
}

/** An alert as people are shown it. */
export interface StoredAlert {
  readonly id: string;
  readonly kind: string;
  readonly state: 'open' | 'acknowledged' | 'resolved';
  readonly message: string;
  readonly scheduleKey: string | null;
  readonly scheduleName: string | null;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
  /** The zone in which people read the schedule's times. */
  readonly timezone: string | null;
  /** Who carries the PIN, as the schedule says now. */
  readonly holder: string | null;
  /** The window of the code that it is about. */
  readonly windowStartsAt: Date | null;
  readonly windowEndsAt: Date | null;
  readonly raisedAt: Date;
  readonly lastSeenAt: Date;
  readonly times: number;
}

/** Where a page of a list in the order of time begins: behind this. */
export interface After {
  readonly at: Date;
  readonly id: string;
}

/** Alerts that still need somebody, oldest first; acknowledged ones too if wanted. */
export async function listAlerts(
  tx: Tx,
  { withAcknowledged, limit, after }: { withAcknowledged: boolean; limit: number; after?: After | undefined },
): Promise<StoredAlert[]> {
  const alerts = await tx.alert.findMany({
    where: {
      state: { in: withAcknowledged ? ['open', 'acknowledged'] : ['open'] },
      ...(after !== undefined && {
        OR: [{ raisedAt: { gt: after.at } }, { raisedAt: after.at, id: { gt: after.id } }],
      }),
    },
    orderBy: [{ raisedAt: 'asc' }, { id: 'asc' }],
    take: limit,
  });
  return told(tx, alerts);
}

/** Of a schedule or of a device, else of all. */
export interface AlertsAbout {
  readonly scheduleId?: string;
  readonly deviceId?: string;
}

/**
 * Alerts in one state, of all, a schedule or a device, most urgent first: where Seam cannot be asked, where a window goes on, where
 * one comes, and the others.
 */
export async function listAlertsByUrgency(
  tx: Tx,
  wanted: AlertsAbout & { readonly state: 'open' | 'acknowledged'; readonly now: Date; readonly limit: number },
): Promise<StoredAlert[]> {
  const { state, now, limit, scheduleId = null, deviceId = null } = wanted;
  const order = await tx.$queryRaw<{ id: string }[]>`
    select a.id from alerts a left join access_codes c on c.id = a.code_id
     where a.state = ${state}::alert_state
       and (${scheduleId}::uuid is null or a.schedule_id = ${scheduleId}::uuid)
       and (${deviceId}::text is null or a.device_id = ${deviceId})
     order by case when a.kind in ('seam.paused', 'seam.awaited') then 0
                   when c.window_starts_at <= ${now} and c.window_ends_at > ${now} then 1
                   when c.window_starts_at > ${now} then 2
                   else 3 end,
              case when c.window_starts_at > ${now} then c.window_starts_at
                   when c.window_ends_at > ${now} then c.window_ends_at end,
              a.raised_at desc, a.id
     limit ${limit}`;
  const alerts = await tx.alert.findMany({ where: { id: { in: order.map(({ id }) => id) } } });
  const byId = new Map((await told(tx, alerts)).map((alert) => [alert.id, alert]));
  return order.flatMap(({ id }) => byId.get(id) ?? []);
}

/** How many alerts nobody has seen, and how many somebody has whose cause is still there. */
export async function countAlerts(
  tx: Tx,
  about: AlertsAbout = {},
): Promise<{ readonly open: number; readonly acknowledged: number }> {
  const [open, acknowledged] = await Promise.all(
    (['open', 'acknowledged'] as const).map((state) => tx.alert.count({ where: { ...about, state } })),
  );
  return { open: open ?? 0, acknowledged: acknowledged ?? 0 };
}

async function told(tx: Tx, alerts: readonly AlertRow[]): Promise<StoredAlert[]> {
  const [schedules, codes, devices] = await Promise.all([
    tx.schedule.findMany({
      where: { id: { in: alerts.flatMap(({ scheduleId }) => scheduleId ?? []) } },
      select: { id: true, key: true, name: true, holder: true, timezone: true },
    }),
    tx.accessCode.findMany({
      where: { id: { in: alerts.flatMap(({ codeId }) => codeId ?? []) } },
      select: { id: true, windowStartsAt: true, windowEndsAt: true },
    }),
    tx.device.findMany({
      where: { id: { in: alerts.flatMap(({ deviceId }) => deviceId ?? []) } },
      select: { id: true, name: true },
    }),
  ]);
  const scheduleById = new Map(schedules.map((schedule) => [schedule.id, schedule]));
  const codeById = new Map(codes.map((code) => [code.id, code]));
  const deviceNameById = new Map(devices.map(({ id, name }) => [id, name]));
  return alerts.map(({ scheduleId, codeId, ...alert }) => {
    const schedule = scheduleById.get(scheduleId ?? '');
    const code = codeById.get(codeId ?? '');
    return {
      ...alert,
      scheduleKey: schedule?.key ?? null,
      scheduleName: schedule?.name ?? null,
      holder: schedule?.holder ?? null,
      timezone: schedule?.timezone ?? null,
      deviceName: deviceNameById.get(alert.deviceId ?? '') ?? null,
      windowStartsAt: code?.windowStartsAt ?? null,
      windowEndsAt: code?.windowEndsAt ?? null,
    };
  });
}

/** Notes that a person has seen it; false when it is not open. */
export async function acknowledgeAlert(tx: Tx, id: string, at: Date, by?: string): Promise<boolean> {
  const { count } = await tx.alert.updateMany({
    where: { id, state: 'open' },
    data: { state: 'acknowledged', settledAt: at, ...(by !== undefined && { settledBecause: `seen by ${by}` }) },
  });
  return count === 1;
}
