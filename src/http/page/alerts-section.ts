// What needs a person, most urgent first, and the button by which somebody says to have seen it.
import { z } from 'zod';
import {
  type AlertsAbout,
  acknowledgeAlert,
  countAlerts,
  listAlertsByUrgency,
  type StoredAlert,
} from '../../db/alerts.ts';
import type { ApiDeps } from '../api-route.ts';
import { Problem } from '../problem.ts';
import { type Html, html } from './html.ts';
import { csrfField } from './layout.ts';
import { localPath } from './page-request.ts';
import type { PageRoute } from './page-route.ts';
import { actPath, doorPath, schedulePath } from './paths.ts';
import type { SignedIn } from './session.ts';
import {
  capital,
  countWords,
  doorWords,
  leftWords,
  momentWords,
  nameTag,
  spanWords,
  timeTag,
  zoneWords,
} from './words.ts';

const shownMax = 50;
/** So many stand open; the others are folded away, so that doors stay near. */
const unfolded = 10;

/** Alerts as the first page shows them. */
export interface AlertsView {
  readonly open: readonly StoredAlert[];
  readonly seen: readonly StoredAlert[];
  readonly counts: { readonly open: number; readonly acknowledged: number };
}

/** Of all, or about a schedule or a device. */
export async function readAlerts({ db }: ApiDeps, now: Date, about: AlertsAbout = {}): Promise<AlertsView> {
  const [open, seen, counts] = await Promise.all([
    listAlertsByUrgency(db.prisma, { ...about, state: 'open', now, limit: shownMax }),
    listAlertsByUrgency(db.prisma, { ...about, state: 'acknowledged', now, limit: shownMax }),
    countAlerts(db.prisma, about),
  ]);
  return { open, seen, counts };
}

interface Around {
  readonly signedIn: SignedIn;
  readonly now: Date;
  /** The page that it is on. */
  readonly here: string;
}

/** The lists; nothing where there is none. */
export function alertsSection({ open, seen, counts }: AlertsView, around: Around): Html {
  const rest = counts.open - open.length;
  const folded = open.slice(unfolded);
  return html`${open.length > 0 && list(open.slice(0, unfolded), around)}
${
  folded.length > 0 &&
  html`<details id="more"><summary>${countWords(folded.length, 'other')}, less urgent</summary>
${list(folded, around)}</details>`
}
${rest > 0 && html`<p>And ${countWords(rest, 'more alert')}: <code>relatch alerts list</code> shows them all.</p>`}
${
  counts.acknowledged > 0 &&
  html`<details id="seen"><summary>${counts.acknowledged.toLocaleString('en')} seen, not settled yet</summary>
${list(seen, around)}
${counts.acknowledged > seen.length && html`<p>The others: <code>relatch alerts list --all</code>.</p>`}
</details>`
}`;
}

function list(alerts: readonly StoredAlert[], around: Around): Html {
  return html`<ul class="alerts">${alerts.map((alert) => card(alert, around))}</ul>`;
}

const titles: Readonly<Record<string, string>> = {
  'seam.paused': 'Seam',
  'seam.awaited': 'Seam',
  'clock.skewed': 'A clock',
  'job.set_aside': 'Relatch itself',
};

function card(alert: StoredAlert, { signedIn, now, here }: Around): Html {
  const { id, deviceId, scheduleKey, scheduleName } = alert;
  const title = deviceId === null ? (titles[alert.kind] ?? scheduleName ?? 'Relatch') : doorWords(alert.deviceName);
  const who = [alert.holder, scheduleName === title ? null : scheduleName].filter((name) => name !== null);
  return html`<li class="alert" data-key="${id}">
<h2>${deviceId === null ? nameTag(title) : html`<a href="${doorPath(deviceId)}">${nameTag(title)}</a>`}${
    who.length > 0 && html` <span class="who">${who.map((name, index) => [index > 0 && ', ', nameTag(name)])}</span>`
  }</h2>
${windowLine(alert, now)}
<p><bdi>${alert.message}</bdi></p>
<p class="fine">${sinceWords(alert, now)}</p>
<div class="acts">
${
  alert.state === 'open' &&
  html`<form method="post" action="/alerts/${id}/acknowledge">${csrfField(signedIn.csrf)}
<input type="hidden" name="to" value="${here}">
<button type="submit">I have seen it<span class="unseen"> (${title})</span></button></form>`
}
${
  scheduleKey !== null &&
  html`<a class="button" href="${actPath(scheduleKey, here)}">Change the schedule<span class="unseen"> ${scheduleName}</span></a>
<a href="${schedulePath(scheduleKey)}">Its story<span class="unseen"> (${scheduleName})</span></a>`
}
</div>
</li>`;
}

function windowLine({ windowStartsAt: startsAt, windowEndsAt: endsAt, timezone }: StoredAlert, now: Date): Html | null {
  if (startsAt === null || endsAt === null) return null;
  const zone = timezone ?? 'UTC';
  const window = { startsAt, endsAt };
  return html`<p class="left"><strong>${capital(leftWords(window, now))}</strong>: ${timeTag(startsAt, spanWords(zone, window, now))}, ${zoneWords(zone)}</p>`;
}

function sinceWords({ raisedAt, lastSeenAt, times, timezone }: StoredAlert, now: Date): Html {
  const zone = timezone ?? 'UTC';
  const say = (at: Date): Html => timeTag(at, momentWords(zone, at, now));
  return html`Since ${say(raisedAt)}${times > 1 && html`, ${times} times, last ${say(lastSeenAt)}`}, ${zoneWords(zone)}`;
}

export const alertPages: readonly PageRoute[] = [
  {
    method: 'post',
    path: '/alerts/:id/acknowledge',
    // Who comes second finds it done.
    async run({ deps, signedIn, now, params, form }) {
      const id = z.guid().safeParse(params['id']);
      if (!id.success) throw new Problem(404, 'alert_not_open', 'There is no such alert.');
      await acknowledgeAlert(deps.db.prisma, id.data, now, signedIn.name);
      return { goTo: localPath(form.get('to')) };
    },
  },
];
