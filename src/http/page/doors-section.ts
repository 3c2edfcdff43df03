// Doors as rows: how each stands, who can open it now, and who next.
import { mayHoldPin } from '../../core/access-code.ts';
import { isOnLock, waitingWords } from '../../core/door-state.ts';
import type { OverviewCode } from '../../db/door-overview.ts';
import type { DoorOutlook, FoundSchedule } from '../../flows/door-overview.ts';
import { type Html, html } from './html.ts';
import { csrfField } from './layout.ts';
import { actPath, doorPath, schedulePath } from './paths.ts';
import type { SignedIn } from './session.ts';
import { countWords, doorWords, momentWords, nameTag, spanWords, timeTag, whoWords, zoneWords } from './words.ts';

export interface Around {
  readonly signedIn: SignedIn;
  readonly now: Date;
  readonly here: string;
  /** The zone of all times on the page, where it is one and said once. */
  readonly zone: string | null;
}

/** The zones in which the times of these rows are told. */
export function zonesOf(doors: readonly DoorOutlook[], schedules: readonly FoundSchedule[]): ReadonlySet<string> {
  return new Set([
    ...doors.flatMap(({ live, next }) =>
      [...live.map(({ timezone }) => timezone), next?.schedule.timezone ?? []].flat(),
    ),
    ...schedules.flatMap(({ schedule, window }) => (window === null ? [] : schedule.timezone)),
  ]);
}

function inZone(timezone: string, { zone }: Around): string {
  return zone === timezone ? '' : `, ${zoneWords(timezone)}`;
}

const liveShown = 3;

const words = { ready: 'Ready', waiting: 'Waiting', trouble: 'In trouble', closed: 'Closed' } as const;

export function doorRow(door: DoorOutlook, around: Around): Html {
  const { state, live, leaving } = door;
  return html`<li class="door" data-key="${door.deviceId}">
<div class="what"><h3><a href="${doorPath(door.deviceId)}">${nameTag(doorWords(door.name))}</a></h3>
<p class="state ${state.word}"><strong>${words[state.word]}</strong>${state.because !== '' && html` <bdi>${state.because}</bdi>`}</p>
${door.awaySince !== null && html`<p class="fine">Seam cannot reach it.</p>`}</div>
<div class="now"><h4>Now</h4>
${live.length === 0 && html`<p class="none">Nobody</p>`}
${live.slice(0, liveShown).map((code) => codeLine(code, around))}
${live.length > liveShown && html`<p class="fine"><a href="${doorPath(door.deviceId)}">and others</a></p>`}
${leaving.map((code) => html`<p class="fine">The code of ${nameTag(who(code))} is still being taken off.</p>`)}</div>
<div class="next"><h4>Next</h4>
${nextLine(door, around)}</div>
</li>`;
}

function who({ holder, scheduleName: name }: OverviewCode): string {
  return whoWords({ holder, name });
}

/** A code that is to open a door now: whose, until when, and what it waits for. */
export function codeLine(code: OverviewCode, around: Around): Html {
  const { signedIn, now, here } = around;
  const { windowEndsAt, timezone } = code;
  const ends = timeTag(windowEndsAt, momentWords(timezone, windowEndsAt, now));
  const name = who(code);
  return html`<div class="code" data-key="${code.id}">
<p><a href="${schedulePath(code.scheduleKey)}">${nameTag(name)}</a> until ${ends}${inZone(timezone, around)}</p>
${!isOnLock(code) && html`<p class="fine">Not on the lock: <bdi>${waitingWords(code)}</bdi></p>`}
<div class="acts">
${
  mayHoldPin(code) &&
  html`<form method="post" action="/codes/${code.id}/pin">${csrfField(signedIn.csrf)}<input type="hidden" name="to" value="${here}">
<button class="quiet" type="submit">Show PIN<span class="unseen"> of ${name}</span></button></form>`
}
<a href="${actPath(code.scheduleKey, here)}">Change<span class="unseen"> ${name}’s schedule</span></a>
</div>
</div>`;
}

function nextLine({ next, schedules }: DoorOutlook, around: Around): Html {
  const { now, here } = around;
  if (next === null) return html`<p class="none">${schedules === 0 ? 'No schedule' : 'No window is left'}</p>`;
  const { schedule, code } = next;
  const span = timeTag(next.startsAt, spanWords(schedule.timezone, next, now));
  const name = whoWords(schedule);
  return html`<p><a href="${schedulePath(schedule.key)}">${nameTag(name)}</a> ${span}${inZone(schedule.timezone, around)}</p>
${code !== null && isOnLock(code) && html`<p class="fine">Its code is on the lock already.</p>`}
<div class="acts"><a href="${actPath(schedule.key, here)}">Change<span class="unseen"> ${name}’s schedule</span></a></div>`;
}

/** A schedule that was looked for, beside the doors. */
export function scheduleRow({ schedule, window }: FoundSchedule, around: Around): Html {
  const { now, here } = around;
  const { key, name, holder, status, devices, timezone } = schedule;
  return html`<li class="door" data-key="${key}">
<div class="what"><h3><a href="${schedulePath(key)}">${nameTag(name)}</a></h3>
${holder !== null && html`<p>${nameTag(holder)}</p>`}</div>
<div class="now"><h4>Window</h4>
<p>${status !== 'active' && statusWords[status]}${status === 'active' && window === null && 'No window is left'}${
    window !== null && html`${timeTag(window.startsAt, spanWords(timezone, window, now))}${inZone(timezone, around)}`
  }</p></div>
<div class="next"><h4>Doors</h4><p>${countWords(devices.length, 'door')}</p>
<div class="acts"><a href="${actPath(key, here)}">Change<span class="unseen"> ${name}</span></a></div></div>
</li>`;
}

const statusWords = { active: 'Active', paused: 'Paused', ended: 'Ended' } as const;
