// What the signs in the drawing of a week mean, and the patterns that they are drawn with.
import type { WeekDay } from '../../core/week-days.ts';
import type { WeekFact } from '../../core/week-line.ts';
import { type Html, html } from './html.ts';
import { isShown, type Track } from './week-drawing.ts';

// Referred to by attributes of what is drawn: a sheet could not, because addresses in it begin at the sheet.
const patterns = html`<svg class="unseen" aria-hidden="true" width="0" height="0"><defs>
<pattern id="week-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="w-gap-ground" width="6" height="6"/><rect class="w-gap-line" width="3" height="6"/></pattern>
<pattern id="week-closed" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="w-closed-line" width="1" height="7"/></pattern>
</defs></svg>`;

const legends: readonly { readonly is: (fact: WeekFact) => boolean; readonly sign: Html; readonly words: string }[] = [
  {
    is: (fact) => fact.kind === 'window' && ['over', 'open', 'ready'].includes(fact.state),
    sign: html`<rect class="w-window over" x="1" y="2" width="26" height="12" rx="3"/>`,
    words: 'open by plan, with its code',
  },
  {
    is: (fact) => fact.kind === 'window' && ['to_make', 'made'].includes(fact.state),
    sign: html`<rect class="w-window to_make" x="1" y="2" width="26" height="12" rx="3"/>`,
    words: 'to come; its code is not on the lock yet',
  },
  {
    is: (fact) => fact.kind === 'window' && ['missed', 'without', 'refused', 'given_up'].includes(fact.state),
    sign: html`<rect class="w-window missed" x="1" y="2" width="26" height="12" rx="3"/>`,
    words: 'open by plan, without a code',
  },
  {
    is: (fact) => fact.kind === 'window' && fact.state === 'unrecorded',
    sign: html`<rect class="w-window unrecorded" x="1" y="2" width="26" height="12" rx="3"/>`,
    words: 'by the plan of now; nothing is recorded of it',
  },
  {
    is: ({ kind }) => kind === 'gap',
    sign: html`<rect class="w-gap" x="1" y="2" width="26" height="12" rx="3" fill="url(#week-gap)"/>`,
    words: 'no code on the lock',
  },
  {
    is: ({ kind }) => kind === 'closed',
    sign: html`<rect class="w-closed" x="1" y="2" width="26" height="12" rx="3" fill="url(#week-closed)"/>`,
    words: 'closed, which would be open',
  },
  {
    is: (fact) => fact.kind === 'on_lock' && fact.role === 'valid',
    sign: html`<rect class="w-lock valid" x="1" y="5" width="26" height="6"/>`,
    words: 'code on the lock',
  },
  {
    is: (fact) => fact.kind === 'on_lock' && fact.role === 'early',
    sign: html`<rect class="w-lock early" x="1" y="7" width="26" height="2"/>`,
    words: 'stored ahead of its time',
  },
  {
    is: (fact) => fact.kind === 'on_lock' && fact.role === 'late',
    sign: html`<rect class="w-lock late" x="1" y="5" width="26" height="6" fill="url(#week-gap)"/>`,
    words: 'still there after its end',
  },
];

/** What the signs of one or several drawings mean, only of those that are drawn. It holds what they are drawn with: once on a page. */
export function weekLegend(tracks: readonly Track[], days: readonly WeekDay[]): Html {
  const facts = tracks.flatMap((track) => track.line.facts.filter((fact) => isShown(fact, track)));
  const shown = legends.filter(({ is }) => facts.some(is));
  const hasChange = days.some(({ clockChanges }) => clockChanges.length > 0);
  return html`${patterns}<ul class="legend">${shown.map(({ sign, words }) => html`<li>${swatch(sign)} ${words}</li>`)}
${hasChange && html`<li>${swatch(html`<line class="w-change" x1="14" x2="14" y1="0" y2="16"/>`)} the clocks change</li>`}
<li>${swatch(html`<line class="w-now" x1="14" x2="14" y1="0" y2="16"/>`)} now</li></ul>`;
}

function swatch(sign: Html): Html {
  return html`<svg width="28" height="16" aria-hidden="true">${sign}</svg>`;
}
