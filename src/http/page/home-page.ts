// The first page: what needs a person, and every door.
import { html } from './html.ts';
import type { PageRoute } from './page-route.ts';

export const homePages: readonly PageRoute[] = [
  {
    method: 'get',
    path: '/',
    run: async () => ({ title: 'Doors', body: html`<h1>Doors</h1>`, updates: true }),
  },
];
