// Schedules, plans, codes, alerts and dead letters as programs read them: over HTTP and of the command line the same fields.

import { messageIdOf } from '../core/endpoint.ts';
import type { Schedule } from '../core/schedule.ts';
import type { StoredAlert } from '../db/alerts.ts';
import type { ListedLetter } from '../db/dead-letters.ts';
import type { DeliveryView } from '../db/deliveries.ts';
import type { StoredEndpoint } from '../db/endpoints.ts';
import type { FeedView } from '../db/feeds.ts';
import type { CodeView } from '../db/views.ts';
import type { DoorPreview } from './change-schedules.ts';

/** A schedule in the words of the schedules file; never its PIN. */
export function scheduleFieldsOf(schedule: Schedule) {
  return {
    key: schedule.key,
    name: schedule.name,
    holder: schedule.holder,
    devices: schedule.devices.map(({ deviceId }) => deviceId),
    timezone: schedule.timezone,
    starts_on: schedule.startsOn,
    ends_on: schedule.endsOn,
    pin: schedule.pinPolicy,
    allow_other_pin: schedule.allowOtherPin,
    windows: [...schedule.rules],
    except: { holidays: schedule.holidays.map(({ name }) => name), dates: [...schedule.exceptDates] },
    extra: [...schedule.extra],
    blackouts: [...schedule.blackouts],
    grace: { early_minutes: schedule.grace.earlyMinutes, late_minutes: schedule.grace.lateMinutes },
    merge_gaps_up_to_minutes: schedule.mergeGapsUpToMinutes,
    by_hand: {
      closed: schedule.byHand.closed.map(({ startsAt, endsAt, reason }) => {
        return { starts_at: startsAt, ends_at: endsAt, reason };
      }),
      opened: [...schedule.byHand.opened],
    },
    status: schedule.status,
    version: schedule.version,
  };
}

/** What a change does, door by door. */
export function planFieldsOf(preview: readonly DoorPreview[]) {
  const spanOf = ({ startsAt, endsAt }: { startsAt: Date; endsAt: Date }) => {
    return { starts_at: startsAt.toISOString(), ends_at: endsAt.toISOString() };
  };
  return preview.map((door) => ({
    schedule_key: door.scheduleKey,
    device_id: door.deviceId,
    device_name: door.deviceName,
    appearing: door.appearing.map(spanOf),
    vanishing: door.vanishing.map(spanOf),
    would: [...door.would],
  }));
}

/** A code, never with its PIN. */
export function codeFieldsOf(code: CodeView) {
  return {
    id: code.id,
    schedule_key: code.scheduleKey,
    holder: code.holder,
    device_id: code.deviceId,
    device_name: code.deviceName,
    timezone: code.timezone,
    state: code.state,
    window_starts_at: code.windowStartsAt.toISOString(),
    window_ends_at: code.windowEndsAt.toISOString(),
    asked_starts_at: textOf(code.askedStartsAt),
    asked_ends_at: textOf(code.askedEndsAt),
    confirmed_starts_at: textOf(code.confirmedStartsAt),
    confirmed_ends_at: textOf(code.confirmedEndsAt),
    ready_since: textOf(code.readyAt),
    removed_at: textOf(code.removedAt),
    quiet_until: textOf(code.quietUntil),
    access_code_id: code.accessCodeId,
    has_other_pin: code.hasOtherPin,
    reason: code.reason,
  };
}

export function alertFieldsOf(alert: StoredAlert) {
  return {
    id: alert.id,
    kind: alert.kind,
    state: alert.state,
    message: alert.message,
    schedule_key: alert.scheduleKey,
    holder: alert.holder,
    device_id: alert.deviceId,
    device_name: alert.deviceName,
    window_starts_at: textOf(alert.windowStartsAt),
    window_ends_at: textOf(alert.windowEndsAt),
    raised_at: alert.raisedAt.toISOString(),
    last_seen_at: alert.lastSeenAt.toISOString(),
    times: alert.times,
  };
}

export function letterFieldsOf({ subject, error, ...letter }: ListedLetter) {
  return {
    id: letter.id,
    // What is settled is not listed.
    state: letter.state === 'retried' ? ('retried' as const) : ('open' as const),
    event_key: 'eventKey' in subject ? subject.eventKey : null,
    event_type: letter.eventType,
    schedule_key: letter.scheduleKey,
    device_id: letter.deviceId,
    device_name: letter.deviceName,
    error_name: error.name,
    error_message: error.message,
    attempts: letter.attempts,
    times: letter.times,
    died_at: letter.diedAt.toISOString(),
  };
}

/** An endpoint, never with its secret. */
export function endpointFieldsOf(endpoint: StoredEndpoint) {
  return {
    id: endpoint.id,
    url: endpoint.url,
    event_types: [...endpoint.eventTypes],
    created_at: endpoint.createdAt.toISOString(),
    disabled_at: textOf(endpoint.disabledAt),
    disabled_because: endpoint.disabledBecause,
    failing_since: textOf(endpoint.failingSince),
  };
}

export function deliveryFieldsOf(delivery: DeliveryView) {
  return {
    message_id: messageIdOf(delivery.messageId),
    type: delivery.type,
    at: delivery.at.toISOString(),
    state: delivery.state,
    attempts: delivery.attempts,
    last_attempt_at: textOf(delivery.attemptedAt),
    next_attempt_at: textOf(delivery.dueAt),
    status: delivery.status,
    error: delivery.error,
  };
}

function textOf(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

export function feedFieldsOf({ id, scheduleKey, holder, madeAt }: FeedView) {
  return { id, schedule_key: scheduleKey, holder, made_at: madeAt.toISOString() };
}
