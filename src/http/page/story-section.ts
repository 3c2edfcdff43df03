// The history of a schedule or a door, as a story in pages.
import { formatInTimeZone } from 'date-fns-tz';
import { type StoryDay, type StoryLine, storyOf } from '../../core/story.ts';
import { type HistoryView, listHistory } from '../../db/views.ts';
import { windowsOfCodes } from '../../db/week.ts';
import { Problem } from '../problem.ts';
import { type Html, html } from './html.ts';
import type { PageCall } from './page-route.ts';
import { nameTag, timeTag } from './words.ts';

const entriesShown = 200;

/** A page of a story. */
export interface StoryPage {
  readonly days: readonly StoryDay[];
  readonly timezone: string;
  /** Ids of the entries behind which older ones, and newer ones, are. */
  readonly olderThan: bigint | null;
  readonly newerThan: bigint | null;
}

/** The page that ?before or ?after names; else the newest. @throws Problem where they name none */
export async function readStory(
  { deps, query }: Pick<PageCall, 'deps' | 'query'>,
  about: { readonly scheduleKey: string } | { readonly deviceId: string },
  timezone: string,
): Promise<StoryPage> {
  const { prisma } = deps.db;
  const [before, after] = [idOf(query, 'before'), idOf(query, 'after')];
  const found = await listHistory(prisma, { ...about, before, after, limit: entriesShown + 1 });
  // The one too many tells that there are more, and lies beyond the end that was asked for.
  const hasMore = found.length > entriesShown;
  const entries = after === undefined ? found.slice(0, entriesShown) : found.slice(hasMore ? 1 : 0);
  const windows = await windowsOfCodes(prisma, codesIn(entries));
  const of = 'scheduleKey' in about ? 'schedule' : 'door';
  const [newest, oldest] = [entries[0]?.id ?? null, entries.at(-1)?.id ?? null];
  return {
    days: storyOf(entries, { timezone, of, windows }),
    timezone,
    olderThan: after !== undefined || hasMore ? oldest : null,
    newerThan: before !== undefined || (after !== undefined && hasMore) ? newest : null,
  };
}

function codesIn(entries: readonly HistoryView[]): string[] {
  return entries.flatMap(({ codeId }) => codeId ?? []);
}

function idOf(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new Problem(400, 'page_invalid', 'There is no such page', { detail: 'Go back and follow its links.' });
}

/** @param pathTo the address of this page with another part of the story */
export function storySection(story: StoryPage, pathTo: (part: { before?: string; after?: string }) => string): Html {
  const { days, timezone, olderThan, newerThan } = story;
  return html`<section class="story" id="story" aria-labelledby="story-title">
<h2 id="story-title">What happened</h2>
${days.length === 0 && html`<p class="none">Nothing that is still recorded.</p>`}
${days.map(
  ({ date, lines }) => html`<h3>${formatInTimeZone(new Date(`${date}T00:00:00Z`), 'UTC', 'EEEE d MMMM yyyy')}</h3>
<ol>${lines.map((line) => storyLine(line, timezone))}</ol>`,
)}
${
  (olderThan !== null || newerThan !== null) &&
  html`<nav class="pager" aria-label="Pages of the story">
${newerThan !== null && html`<a rel="prev" href="${pathTo({ after: String(newerThan) })}#story">Newer</a>`}
${olderThan !== null && html`<a rel="next" href="${pathTo({ before: String(olderThan) })}#story">Older</a>`}
</nav>`
}
</section>`;
}

function storyLine({ at, isAlert, subjects, text }: StoryLine, timezone: string): Html {
  return html`<li${isAlert && html` class="alarm"`}>${timeTag(at, formatInTimeZone(at, timezone, 'HH:mm'))}
<p>${isAlert && html`<strong>Alert.</strong> `}${subjects.map((name, index) => [index > 0 && ', ', nameTag(name)])}${subjects.length > 0 && ': '}<bdi>${text}</bdi></p></li>`;
}
