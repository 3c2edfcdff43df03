// The few actions of a bad morning, in two steps: what it would do, in words, and then doing just that. Between the two the schedule
// must not have changed, or it is told anew.
import { UserError } from '../../core/errors.ts';
import type { Schedule } from '../../core/schedule.ts';
import { windowChanges } from '../../core/window-changes.ts';
import { loadSchedulesByKeys } from '../../db/schedules.ts';
import { type Act, type Acted, actOn } from '../../flows/act-on-schedule.ts';
import { type DoorPreview, ScheduleConflict } from '../../flows/change-schedules.ts';
import { Problem } from '../problem.ts';
import { actForms, readAct, type Typed } from './act-form.ts';
import { type Html, html } from './html.ts';
import { csrfField } from './layout.ts';
import { localPath } from './page-request.ts';
import type { PageAnswer, PageCall, PageRoute } from './page-route.ts';
import { actPath, schedulePath } from './paths.ts';
import { capital, countWords, doorWords, nameTag, spanWords, zoneWords } from './words.ts';

const doorsShown = 10;
const linesShown = 20;
/** What the forms hold of an action. */
const fields = ['kind', 'date', 'reason', 'until'] as const;

export const actPages: readonly PageRoute[] = [
  { method: 'get', path: '/schedules/:key/act', run: choose },
  { method: 'post', path: '/schedules/:key/act', run: act },
];

async function choose(call: PageCall): Promise<PageAnswer> {
  const schedule = await scheduleOf(call);
  const done = dones[call.query.get('done') ?? ''];
  const said =
    done !== undefined &&
    html`<p class="notice good" role="status">${done} What follows for its codes is being done now.</p>`;
  return choosing(call, schedule, localPath(call.query.get('to')), {}, said || null);
}

const dones: Readonly<Record<string, string>> = {
  skip: 'Skipped.',
  unskip: 'Opened again.',
  extend: 'Extended.',
  revoke: 'Revoked.',
};

async function act(call: PageCall): Promise<PageAnswer> {
  const { form } = call;
  const schedule = await scheduleOf(call);
  const typed = Object.fromEntries(
    fields.flatMap((field) => (form.has(field) ? [[field, form.get(field) ?? '']] : [])),
  );
  const back = localPath(form.get('to'));
  const read = readAct(typed);
  if (!read.ok) return choosing(call, schedule, back, typed, problem(read.message), 422);
  try {
    const version = /^\d{1,9}$/.exec(form.get('version') ?? '')?.[0];
    if (version !== undefined) return await doing(call, read.act, Number(version), back, typed);
    return confirming(call, schedule, await tell(call, read.act), typed, back, null);
  } catch (error) {
    if (!(error instanceof UserError) || error.code === 'schedules_busy') throw error;
    return choosing(call, schedule, back, typed, problem(error.message), 409);
  }
}

async function doing(call: PageCall, act: Act, version: number, back: string, typed: Typed): Promise<PageAnswer> {
  const { deps, params, signedIn } = call;
  const key = params['key'] ?? '';
  try {
    await actOn(deps, key, act, { version, by: signedIn.name });
  } catch (error) {
    if (!(error instanceof ScheduleConflict) || error.code !== 'version_differs') throw error;
    const said = problem(
      'Somebody changed the schedule meanwhile, and nothing was done. Below is what it would do now.',
    );
    return confirming(call, await scheduleOf(call), await tell(call, act), typed, back, said);
  }
  return { goTo: `${actPath(key, back)}&${new URLSearchParams({ done: act.kind })}` };
}

function tell({ deps, params }: PageCall, act: Act): Promise<Acted> {
  return actOn(deps, params['key'] ?? '', act, { dryRun: true });
}

async function scheduleOf({ deps, params }: PageCall): Promise<Schedule> {
  const [schedule] = await loadSchedulesByKeys(deps.db.prisma, [params['key'] ?? '']);
  if (schedule === undefined) throw new Problem(404, 'schedule_unknown', 'There is no such schedule.');
  return schedule;
}

function problem(message: string): Html {
  return html`<p class="notice bad" role="alert">${message}</p>`;
}

function choosing(
  { signedIn, now }: PageCall,
  schedule: Schedule,
  back: string,
  typed: Typed,
  said: Html | null,
  status = 200,
): PageAnswer {
  const { name, holder, key, devices, timezone } = schedule;
  const body = html`<p class="way"><a href="${back}">Back</a></p>
<h1>Change ${nameTag(name)}</h1>
<p>${holder !== null && html`${nameTag(holder)}, `}${countWords(devices.length, 'door')}, ${zoneWords(timezone)}. <a href="${schedulePath(key)}">Its story</a></p>
${said}
${actForms({ schedule, signedIn, now, back, typed })}`;
  return { title: `Change ${name}`, body, status };
}

const questions: Readonly<Record<string, { readonly ask: string; readonly yes: string }>> = {
  skip: { ask: 'Skip it?', yes: 'Yes, skip it' },
  unskip: { ask: 'Open it again?', yes: 'Yes, open it again' },
  extend: { ask: 'Extend it?', yes: 'Yes, extend it' },
  revoke: { ask: 'Revoke it for good?', yes: 'Yes, revoke it' },
};

/** What it would do, and the button that does it. */
function confirming(
  { signedIn, now }: PageCall,
  { key, name, holder, timezone }: Schedule,
  { outcome, version, message, notes, preview }: Acted,
  typed: Typed,
  back: string,
  said: Html | null,
): PageAnswer {
  const { ask, yes } = questions[typed['kind'] ?? ''] ?? { ask: '', yes: '' };
  const isUnchanged = outcome === 'unchanged';
  const body = html`<p class="way"><a href="${actPath(key, back)}">Back</a></p>
<h1>${ask}</h1>
${said}
<p>${nameTag(name)}${holder !== null && html`, ${nameTag(holder)}`}, ${zoneWords(timezone)}</p>
${notes.map((note) => html`<p class="notice">${note}</p>`)}
${!isUnchanged && preview.slice(0, doorsShown).map((door) => previewOf(door, now))}
${!isUnchanged && preview.length > doorsShown && html`<p>And at ${countWords(preview.length - doorsShown, 'more door')}.</p>`}
${
  isUnchanged
    ? html`<p>It is <bdi>${message}</bdi> already, and nothing is to be done. <a href="${back}">Back to where you were</a></p>`
    : html`<form class="acts" method="post" action="${schedulePath(key)}/act">${csrfField(signedIn.csrf)}
<input type="hidden" name="version" value="${version}"><input type="hidden" name="to" value="${back}">
${Object.entries(typed).map(([field, value]) => html`<input type="hidden" name="${field}" value="${value}">`)}
<button type="submit"${typed['kind'] === 'revoke' && html` class="danger"`}>${yes}</button>
<a class="button" href="${actPath(key, back)}">No, go back</a></form>
<p class="fine">The history will say that ${signedIn.name} did it: <bdi>${message}</bdi>.</p>`
}`;
  return { title: ask, body };
}

function previewOf({ deviceName, timezone, appearing, vanishing, would }: DoorPreview, now: Date): Html {
  const changes = windowChanges(appearing, vanishing);
  const say = (window: { startsAt: Date; endsAt: Date }): string => spanWords(timezone, window, now);
  const lines = [
    ...changes.slice(0, linesShown).map(({ before, after }) => {
      if (before === undefined) return after === undefined ? '' : `${capital(say(after))} would open.`;
      return after === undefined
        ? `${capital(say(before))} would be closed.`
        : `${capital(say(before))} would become ${say(after)}.`;
    }),
    ...(changes.length > linesShown ? [`And ${countWords(changes.length - linesShown, 'more window')}.`] : []),
    ...would.map((text) => `Relatch would ${text}.`),
  ];
  return html`<section class="card"><h2>${nameTag(doorWords(deviceName))}</h2>
<ul>${lines.map((line) => html`<li><bdi>${line}</bdi></li>`)}${lines.length === 0 && html`<li>No window of the next two weeks and no code changes.</li>`}</ul></section>`;
}
