// What can be done to a schedule on a bad morning, as forms; and what was typed into them, read.
import { z } from 'zod';
import { calendarOf, hasSkipAhead, type Schedule } from '../../core/schedule.ts';
import { localDateOf, type Window, windowsFrom } from '../../core/windows.ts';
import type { Act } from '../../flows/act-on-schedule.ts';
import { DateText, Reason, TimeText } from '../api-schemas.ts';
import { type Html, html } from './html.ts';
import { csrfField } from './layout.ts';
import { schedulePath } from './paths.ts';
import type { SignedIn } from './session.ts';
import { nameTag, spanWords, zoneWords } from './words.ts';

const windowsOffered = 14;

/** What is typed, by the names of the fields. */
export type Typed = Readonly<Record<string, string>>;

export type ReadAct = { readonly ok: true; readonly act: Act } | { readonly ok: false; readonly message: string };

const Skip = z.object({ date: DateText, reason: Reason.nullable() });

/** The action that a form asks for, or what is wrong with what was typed. */
export function readAct(typed: Typed): ReadAct {
  switch (typed['kind']) {
    case 'skip': {
      const read = Skip.safeParse({ date: typed['date'], reason: typed['reason']?.trim() || null });
      if (read.success) return { ok: true, act: { kind: 'skip', ...read.data } };
      const isDate = read.error.issues.some(({ path }) => path[0] === 'date');
      return { ok: false, message: isDate ? 'Choose the window to skip.' : 'Make the reason shorter.' };
    }
    case 'unskip': {
      const date = DateText.safeParse(typed['date']);
      if (date.success) return { ok: true, act: { kind: 'unskip', date: date.data } };
      return { ok: false, message: 'Choose the day to open again.' };
    }
    case 'extend': {
      const until = TimeText.safeParse(typed['until']?.trim());
      if (until.success) return { ok: true, act: { kind: 'extend', until: until.data } };
      return { ok: false, message: 'Give the time of day until which it is to be open, such as 19:30.' };
    }
    case 'revoke':
      return { ok: true, act: { kind: 'revoke' } };
    default:
      return { ok: false, message: 'Choose what is to be done.' };
  }
}

interface FormsOf {
  readonly schedule: Schedule;
  readonly signedIn: SignedIn;
  readonly now: Date;
  readonly back: string;
  readonly typed: Typed;
}

export function actForms(of: FormsOf): Html {
  const { schedule, now } = of;
  if (schedule.status === 'ended') {
    return html`<p class="notice">This schedule has ended. <code>relatch schedules resume ${schedule.key} --revive</code> brings it back.</p>`;
  }
  return html`${schedule.status === 'paused' && html`<p class="notice">This schedule is paused and opens no door. <code>relatch schedules resume ${schedule.key}</code> opens its doors again.</p>`}
<div class="choices">
${skipForm(of)}
${hasSkipAhead(schedule, now) && unskipForm(of)}
${extendForm(of)}
${revokeForm(of)}
</div>`;
}

function form({ schedule, signedIn, back }: FormsOf, kind: string, content: Html): Html {
  return html`<form class="card stack" method="post" action="${schedulePath(schedule.key)}/act" aria-labelledby="${kind}">
${csrfField(signedIn.csrf)}<input type="hidden" name="to" value="${back}"><input type="hidden" name="kind" value="${kind}">
${content}</form>`;
}

function skipForm(of: FormsOf): Html {
  const { schedule, now, typed } = of;
  const days = Map.groupBy(windowsFrom(calendarOf(schedule, []), now, windowsOffered), ({ startsAt }) =>
    localDateOf(schedule.timezone, startsAt),
  );
  if (days.size === 0) return html``;
  return form(
    of,
    'skip',
    html`<h2 id="skip">Skip</h2>
<p>The windows of one day stay closed. Codes that are on the locks are taken off.</p>
<label for="skip-date">Which</label>
<select id="skip-date" name="date">${[...days].map(
      ([date, windows]) =>
        html`<option value="${date}"${typed['kind'] === 'skip' && typed['date'] === date && html` selected`}>${dayOption(schedule, windows, now)}</option>`,
    )}</select>
<label for="reason">Why <span class="fine">(may be left empty)</span></label>
<input id="reason" name="reason" maxlength="200" autocomplete="off" value="${typed['reason']}">
<button type="submit">Skip…</button>`,
  );
}

/** "today 09:00–12:00 and 13:00–17:00", of windows that begin on one day. */
function dayOption({ timezone }: Schedule, windows: readonly Window[], now: Date): string {
  return windows
    .map((window) => `${spanWords(timezone, window, now)}${window.startsAt <= now ? ' (goes on now)' : ''}`)
    .join(' and ');
}

function unskipForm(of: FormsOf): Html {
  const { schedule, now, typed } = of;
  const { timezone } = schedule;
  const skips = schedule.byHand.closed.filter(({ endsAt }) => new Date(endsAt) > now);
  const days = Map.groupBy(skips, ({ startsAt }) => localDateOf(timezone, new Date(startsAt)));
  return form(
    of,
    'unskip',
    html`<h2 id="unskip">Take a skip back</h2>
<p>What was skipped opens again.</p>
<label for="unskip-date">Which</label>
<select id="unskip-date" name="date">${[...days].map(
      ([date, closings]) =>
        html`<option value="${date}"${typed['kind'] === 'unskip' && typed['date'] === date && html` selected`}>${closings
          .map(({ startsAt, endsAt, reason }) => {
            const span = spanWords(timezone, { startsAt: new Date(startsAt), endsAt: new Date(endsAt) }, now);
            return reason === null ? span : `${span} (${reason})`;
          })
          .join(' and ')}</option>`,
    )}</select>
<button type="submit">Open again…</button>`,
  );
}

function extendForm(of: FormsOf): Html {
  const { schedule, typed } = of;
  return form(
    of,
    'extend',
    html`<h2 id="extend">Extend today</h2>
<p>Today’s window goes on for longer. A code that is on the lock keeps its PIN.</p>
<label for="until">Until <span class="fine">(${zoneWords(schedule.timezone)})</span></label>
<input id="until" name="until" type="time" required value="${typed['until']}">
<button type="submit">Extend…</button>`,
  );
}

function revokeForm(of: FormsOf): Html {
  const { schedule } = of;
  return form(
    of,
    'revoke',
    html`<h2 id="revoke">Revoke</h2>
<p>Every code of ${nameTag(schedule.name)} is taken off its doors at once, and no other comes.</p>
<button class="danger" type="submit">Revoke…</button>`,
  );
}
