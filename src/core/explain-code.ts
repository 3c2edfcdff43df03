// Whether the code of an open window works, and if not what is in its way: the row of the code held against what Seam and the
// lock have said. Pure; part of explain.ts.
import { type AccessCode, isOpen, mayHoldPin } from './access-code.ts';
import {
  type DoorFacts,
  doorName,
  type ExplainedCode,
  hours,
  moment,
  nothingToDo,
  tenseOf,
  type Verdict,
} from './explain-facts.ts';
import { aheadMs, blockerOf, tooLateMs } from './plan.ts';
import { reopenCommand } from './ways-out.ts';
import type { Window } from './windows.ts';

const checkLock = 'Check the power, the hub and the network of the lock.';
const overdueMs = 10 * 60_000;
const keepsTrying = 'Relatch keeps trying by itself.';

/** No row has been written for the window. */
export function judgeMissing(facts: DoorFacts, window: Window): Verdict {
  const { now } = facts;
  const trouble = troubleAround(facts);
  const what = `no code has been made for ${hours(facts, window)}`;
  if (trouble !== null) return { ...trouble, because: `${what}: ${trouble.because}` };
  if (window.endsAt <= now)
    return bad('unknown', `${what}, as far as the rows that are kept tell`, 'See the history of the schedule.');
  if (window.startsAt > now) {
    const remedy = nothingToDo;
    const next = 'Its code is made once the window before it is over.';
    return good(
      'expected',
      `as things stand, a code will open ${doorName(facts)} for ${hours(facts, window)}`,
      remedy,
      next,
    );
  }
  if (window.endsAt.getTime() - now.getTime() < tooLateMs) return tooLate(facts, window);
  return bad(
    'not_planned_yet',
    `${what} yet, although the window is open`,
    'Wait a minute. If it stays so, see that the service runs, and have it compare everything: relatch reconcile.',
  );
}

/** Of the row that stands for the window. */
export function judgeCode(facts: DoorFacts, window: Window, code: ExplainedCode): Verdict {
  if (tenseOf(facts) === 'past') {
    const past = judgePast(facts, window, code);
    if (past !== null) return past;
  }
  switch (code.state) {
    case 'planned':
      return judgePlanned(facts, window, code);
    case 'calling':
    case 'unknown':
      return bad(
        'unsettled',
        `Seam was asked for the code${code.calledAt === null ? '' : ` on ${moment(facts, code.calledAt)}`} and it is not known whether it made it`,
        `Wait: ${keepsTrying}`,
        `The code is looked for at Seam${soon(facts, code.quietUntil ?? code.nextTryAt)}, and asked for again if it is not there.`,
      );
    case 'created':
      return judgeCreated(facts, window, code);
    case 'removing':
      return bad(
        'removing',
        `its code is being removed: ${endedBecause(code)}`,
        remedyOfEnd(facts, code),
        untilGone(facts, code),
      );
    case 'rejected':
      return bad(
        'refused',
        `Seam or the lock refuses the code: ${withoutStop(code.reason ?? 'no reason is known')}`,
        'Remove what is in the way, or change the schedule (another PIN, another name); it is then asked for again.',
      );
    default:
      return judgeFinal(facts, window, code);
  }
}

function bad(cause: string, because: string, remedy: string, next: string | null = null): Verdict {
  return { works: false, cause, because, next, remedy };
}

function good(cause: string, because: string, remedy: string, next: string | null = null): Verdict {
  return { works: true, cause, because, next, remedy };
}

/** Told by what is known of then; null where the row tells nothing of it but how it is now. */
function judgePast(facts: DoorFacts, window: Window, code: ExplainedCode): Verdict | null {
  const { at } = facts;
  const { readyAt, removedAt, confirmedStartsAt, confirmedEndsAt } = code;
  if (removedAt !== null && removedAt <= at)
    return bad(
      'gone',
      `the code had been taken away on ${moment(facts, removedAt)}: ${endedBecause(code)}`,
      remedyOfEnd(facts, code),
    );
  if (readyAt === null) return null;
  if (readyAt > at)
    return bad('not_on_lock', `the lock held the code only from ${moment(facts, readyAt)} on`, nothingToDo);
  const isValid = (confirmedStartsAt ?? window.startsAt) <= at && at < (confirmedEndsAt ?? window.endsAt);
  if (!isValid) return null;
  return good(
    'worked',
    `the code opened ${doorName(facts)} then, and the lock held it since ${moment(facts, readyAt)}`,
    nothingToDo,
  );
}

function judgePlanned(facts: DoorFacts, window: Window, code: ExplainedCode): Verdict {
  const { now } = facts;
  if (isObserved(code)) {
    return bad(
      'observing',
      'Relatch only observes (MODE=observe): it would make a code now and asks nothing of Seam',
      'Set MODE=active and restart, if Relatch is to make the codes.',
    );
  }
  const trouble = troubleAround(facts);
  if (trouble !== null) return trouble;
  const blocker = blockerOf(code, planInput(facts));
  if (blocker !== undefined && blocker.windowEndsAt <= now && mayHoldPin(blocker)) {
    return bad(
      'last_code_hangs',
      `the code of the window before (${hoursOfRow(facts, blocker)}), which has the same PIN, is still on the lock${facts.away === null ? '' : `; ${awayText(facts, facts.away.since, facts.away.because)}`}`,
      `${checkLock} With allow_other_pin: true the window may get another PIN.`,
      `The code is asked for as soon as that one is gone; its removal is asked for again${soon(facts, blocker.nextTryAt)}.`,
    );
  }
  const again = `Seam is asked${code.attempts > 0 ? ' again' : ''}${soon(facts, code.quietUntil ?? code.nextTryAt)}.`;
  if (window.startsAt <= now && window.endsAt.getTime() - now.getTime() < tooLateMs) return tooLate(facts, window);
  if (isUnknownDevice(facts, code)) {
    return bad('device_unknown', `Seam has no device ${facts.deviceId}`, remedyOfAway('removed'), again);
  }
  if (isOverdue(facts, code)) return overdue(facts, code.nextTryAt ?? now);
  if (code.reason !== null) {
    return bad(
      'not_made',
      `Seam has not made the code: ${withoutStop(code.reason)}`,
      `${keepsTrying} See what Seam says of the device.`,
      again,
    );
  }
  if (window.startsAt > now) {
    const when =
      blocker !== undefined
        ? `once the code of the window before (${hoursOfRow(facts, blocker)}) is gone, because both have one PIN`
        : window.startsAt.getTime() - now.getTime() > aheadMs
          ? 'two weeks before it begins'
          : `of Seam${soon(facts, code.nextTryAt)}`;
    return good(
      'expected',
      `as things stand, a code will open ${doorName(facts)} for ${hours(facts, window)}`,
      nothingToDo,
      `Its code is asked for ${when}.`,
    );
  }
  return bad('not_asked_yet', 'the code has not been asked of Seam yet', `Wait a minute: ${keepsTrying}`, again);
}

/** Whether Seam answered last that it has no such device. */
function isUnknownDevice({ entries }: DoorFacts, { reason }: ExplainedCode): boolean {
  const told = entries.findLast(({ kind }) => kind === 'code.postponed');
  return told?.detail['outcome'] === 'device_not_found' && told.detail['reason'] === reason;
}

/** Whether nothing was done long after it was due: the service sees to every row within minutes. */
function isOverdue({ now }: DoorFacts, { nextTryAt }: ExplainedCode): boolean {
  return nextTryAt !== null && now.getTime() - nextTryAt.getTime() > overdueMs;
}

function overdue(facts: DoorFacts, since: Date): Verdict {
  return bad(
    'overdue',
    `Seam was to be asked for the code on ${moment(facts, since)}, and nothing has been done since`,
    'See that the service of Relatch runs and what its log says: relatch reconcile does at once what is due.',
  );
}

function judgeCreated(facts: DoorFacts, window: Window, code: ExplainedCode): Verdict {
  const { at, now, away } = facts;
  const { confirmedStartsAt, confirmedEndsAt, readyAt } = code;
  if (code.deviceAwaySince !== null)
    return bad('device_away', awayText(facts, code.deviceAwaySince, 'removed'), remedyOfAway('removed'));
  if (code.goneSignalAt !== null) {
    return bad(
      'gone',
      `Seam said on ${moment(facts, code.goneSignalAt)} that the code is gone, and Relatch is finding out why`,
      'Wait a minute, and ask again.',
    );
  }
  if (confirmedStartsAt !== null && at < confirmedStartsAt)
    return bad(
      'starts_later',
      `Seam made the code valid only from ${moment(facts, confirmedStartsAt)} on`,
      nothingToDo,
    );
  if (confirmedEndsAt !== null && at >= confirmedEndsAt) {
    const line = troubleOfLine(facts);
    const because = `Seam has the code only until ${moment(facts, confirmedEndsAt)}; its new end is not confirmed yet`;
    return bad(
      'ends_earlier',
      line === null ? because : `${because}: ${line.because}`,
      line?.remedy ?? `Wait a minute: ${keepsTrying}`,
    );
  }
  const ends = `The code ends on ${moment(facts, window.endsAt)} and is then taken off the lock.`;
  if (readyAt === null) {
    if (away !== null)
      return bad(
        'device_away',
        `Seam has the code, but the lock does not: ${awayText(facts, away.since, away.because)}`,
        remedyOfAway(away.because),
        'Seam sets the code as soon as it reaches the lock.',
      );
    if (window.startsAt > now)
      return good(
        'expected',
        `as things stand, the code will open ${doorName(facts)} for ${hours(facts, window)}; Seam has it and is to set it on the lock`,
        nothingToDo,
        ends,
      );
    const told = facts.entries.findLast(({ kind, detail }) => kind === 'code.not_ready' && 'event_type' in detail);
    const because =
      told === undefined
        ? 'Seam has the code, but has not said that the lock holds it'
        : `Seam has the code, but could not set it on the lock so far (it said so on ${moment(facts, told.at)})`;
    return bad('not_on_lock', because, checkLock, 'Seam keeps trying to set it on the lock.');
  }
  const offline =
    away === null ? '' : `; ${awayText(facts, away.since, away.because)}, but the lock opens to the code by itself`;
  const remedy = away === null ? nothingToDo : `If the code does not open the door: ${checkLock.toLowerCase()}`;
  const opens =
    tenseOf(facts) === 'future'
      ? `as things stand, the code will open ${doorName(facts)} then`
      : `the code opens ${doorName(facts)}`;
  const verdict = good('works', `${opens}; the lock holds it since ${moment(facts, readyAt)}${offline}`, remedy, ends);
  return away === null && tenseOf(facts) === 'now'
    ? {
        ...verdict,
        remedy: 'If the door stays shut all the same, check the PIN that was typed and the battery of the lock.',
      }
    : verdict;
}

function judgeFinal(facts: DoorFacts, window: Window, code: ExplainedCode): Verdict {
  const when = code.removedAt === null ? '' : ` on ${moment(facts, code.removedAt)}`;
  if (code.reason === 'too_late') return tooLate(facts, window);
  if (code.state === 'removed' || code.reason === 'taken_away' || code.reason === 'not_planned')
    return bad(
      code.reason ?? 'gone',
      `the code was taken away${when}: ${endedBecause(code)}`,
      remedyOfEnd(facts, code),
    );
  const told = facts.entries.findLast(({ kind }) => kind === 'window.missed');
  const cause = told?.message.split(': ').slice(1).join(': ');
  return bad(
    'missed',
    `the window passed without a code: ${withoutStop(cause === undefined || cause === '' ? (code.reason ?? 'it was not made in time') : cause)}`,
    'See the time line for what was in the way, and mend it before the next window.',
  );
}

function tooLate(facts: DoorFacts, window: Window): Verdict {
  return bad(
    'too_late',
    `less than five minutes were left of ${hours(facts, window)} when a code could be made, which is too short to reach the lock`,
    'Extend the window, if the door is to open still.',
  );
}

/** What keeps every code of the door from being made. */
function troubleAround(facts: DoorFacts): Verdict | null {
  const { failedJob, away, now } = facts;
  const line = troubleOfLine(facts);
  if (line !== null) return line;
  if (away !== null && (away.because === 'removed' || away.because === 'account')) {
    return bad(
      'device_away',
      awayText(facts, away.since, away.because),
      remedyOfAway(away.because),
      'The code is made as soon as Seam has the device again.',
    );
  }
  if (failedJob !== null && failedJob.at <= now) {
    return bad(
      'job_failed',
      `planning this door failed for good on ${moment(facts, failedJob.at)} (${withoutStop(failedJob.message)})`,
      'See relatch dead-letters list; dead-letters retry tries it again.',
      'Nothing is done at this door until somebody has it tried again.',
    );
  }
  return null;
}

function troubleOfLine(facts: DoorFacts): Verdict | null {
  const { state, since } = facts.line;
  const from = since === null ? '' : ` since ${moment(facts, since)}`;
  if (state === 'refused') {
    return bad(
      'seam_key_refused',
      `Seam refuses the API key of Relatch${from}, so that no code can be made`,
      'Put a valid key into SEAM_API_KEY and restart Relatch.',
      'One call a minute finds out whether the key is taken; then the codes are made at once.',
    );
  }
  if (state === 'silent') {
    return bad(
      'seam_silent',
      `Seam does not answer${from}, so that no code can be made`,
      'See the status page of Seam, and whether Relatch can reach the internet.',
      'One call at a time finds out when Seam answers; then the codes are made at once.',
    );
  }
  return null;
}

function awayText(facts: DoorFacts, since: Date, because: string | null): string {
  const from = moment(facts, since);
  if (because === 'removed') return `Seam no longer has ${doorName(facts)} since ${from}`;
  if (because === 'account') return `the account of ${doorName(facts)} is disconnected from Seam since ${from}`;
  return `${doorName(facts)} is offline for Seam since ${from}`;
}

function remedyOfAway(because: string | null): string {
  if (because === 'removed') return 'Connect the device to Seam again, or take it out of the schedule.';
  return because === 'account' ? 'Connect the account to Seam again.' : checkLock;
}

function untilGone(facts: DoorFacts, code: ExplainedCode): string {
  return `Seam is asked again${soon(facts, code.nextTryAt)} until it is gone.`;
}

/** `remedy` null: nothing but to reopen the window. */
const ends: Readonly<Record<string, { because: string; remedy: string | null }>> = {
  taken_away: {
    because: 'somebody deleted it in Seam, and Relatch does not bring back what people take away',
    remedy: null,
  },
  not_planned: { because: 'its window was no longer planned', remedy: null },
  moved_later: { because: 'its window now starts later', remedy: nothingToDo },
  pin_revoked: { because: 'its PIN was taken back', remedy: 'Give the holder the new PIN.' },
  expired: { because: 'it had come to its end', remedy: 'Extend the window, if the door is to open still.' },
  overdue: { because: 'it had come to its end', remedy: 'Extend the window, if the door is to open still.' },
  device_back: { because: 'it went with its device, which is back', remedy: nothingToDo },
};

export function endedBecause({ reason }: Pick<AccessCode, 'reason'>): string {
  return (reason === null ? undefined : ends[reason]?.because) ?? withoutStop(reason ?? 'no reason is known');
}

function remedyOfEnd({ schedule, deviceId }: DoorFacts, { reason }: ExplainedCode): string {
  const remedy = reason === null ? null : (ends[reason]?.remedy ?? null);
  return (
    remedy ??
    `Reopen the window with ${reopenCommand(schedule.key, deviceId)}, if the door is to open still. The next window is not affected.`
  );
}

function planInput(facts: DoorFacts): Parameters<typeof blockerOf>[1] {
  const { schedule, deviceId, codes, now } = facts;
  const generation = schedule.devices.find((door) => door.deviceId === deviceId)?.generation ?? 0;
  return { windows: [], codes: codes.filter(isOpen), generation, rotates: schedule.pinPolicy === 'rotate', now };
}

/** See flows/observe.ts, which writes these reasons. */
function isObserved({ reason }: ExplainedCode): boolean {
  return reason?.startsWith('observing: ') ?? false;
}

function hoursOfRow(facts: DoorFacts, { windowStartsAt, windowEndsAt }: AccessCode): string {
  return hours(facts, { startsAt: windowStartsAt, endsAt: windowEndsAt });
}

/** " on Mon 8 Mar 09:10", or " in a moment" where that is now or not known. */
function soon(facts: DoorFacts, at: Date | null): string {
  return at === null || at.getTime() - facts.now.getTime() < 30_000 ? ' in a moment' : ` on ${moment(facts, at)}`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
