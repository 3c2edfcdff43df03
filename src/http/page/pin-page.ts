// The PIN of one code, for who asked for it: in this answer only, and with a line in the history.
import { z } from 'zod';
import { loadCodesToReveal } from '../../db/views.ts';
import { revealPin } from '../../flows/reveal-pin.ts';
import { Problem } from '../problem.ts';
import { html } from './html.ts';
import { localPath } from './page-request.ts';
import type { PageRoute } from './page-route.ts';
import { doorWords, nameTag, spanWords, zoneWords } from './words.ts';

export const pinPages: readonly PageRoute[] = [
  {
    method: 'post',
    path: '/codes/:id/pin',
    async run({ deps, signedIn, now, params, form }) {
      const id = z.guid().safeParse(params['id']);
      const [code] = id.success ? await loadCodesToReveal(deps.db.prisma, [id.data]) : [];
      if (code === undefined) throw new Problem(404, 'code_unknown', 'There is no such code any more.');
      const pin = await revealPin(deps, code.id, signedIn.name);
      const window = { startsAt: code.windowStartsAt, endsAt: code.windowEndsAt };
      const body = html`<h1>PIN of ${nameTag(code.scheduleName)}</h1>
<p>${nameTag(doorWords(code.deviceName))}, ${spanWords(code.timezone, window, now)}, ${zoneWords(code.timezone)}</p>
${
  pin === null
    ? html`<p>It has no PIN that Relatch knows: it is drawn when the code is made, or the lock draws it.</p>`
    : html`<p class="pin"><span aria-hidden="true">${pin}</span><span class="unseen">${[...pin].join(' ')}</span></p>
<p class="fine">The history notes that it was shown to ${signedIn.name}.</p>`
}
<p><a class="button" href="${localPath(form.get('to'))}">${pin === null ? 'Go back' : 'Hide it and go back'}</a></p>`;
      return { title: 'PIN', body };
    },
  },
];
