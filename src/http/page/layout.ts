// What every page has around its own part: head, header, sign-out, and when it was made.
import { formatInTimeZone } from 'date-fns-tz';
import { assetPath } from './assets.ts';
import { type Html, html } from './html.ts';
import type { SignedIn } from './session.ts';

/** What of a request the frame of a page shows. */
export interface Frame {
  readonly signedIn: SignedIn | null;
  /** When the page was made. */
  readonly now: Date;
  /** Whether the page is to be read anew by itself, each minute. */
  readonly updates?: boolean;
}

/** The sheets of all pages, in order; each is a file of this folder. */
const sheets = ['page.css', 'week.css'] as const;

/**
 * A whole document. `body` is the main part and begins with its own h1; headings below go down one level at a time.
 * @param title what the window is called, for history and screen readers
 */
export function page(title: string, { signedIn, now, updates = false }: Frame, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} – Relatch</title>
<link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}">
${sheets.map((sheet) => html`<link rel="stylesheet" href="${assetPath(sheet)}">\n`)}
<script type="module" src="${assetPath('page.js')}"></script>
${updates && html`<noscript><meta http-equiv="refresh" content="60"></noscript>`}
</head>
<body${updates && html` data-updates`}>
<a class="jump" href="#main">To the content</a>
<header class="top">
<a class="brand" href="/">Relatch</a>
${signedIn !== null && signOut(signedIn)}
</header>
<p class="news" role="status"></p>
<main id="main" tabindex="-1">
${body}
</main>
<footer class="bottom">
<p>As of <time data-local datetime="${now.toISOString()}">${formatInTimeZone(now, 'UTC', 'EEE d MMM yyyy HH:mm')} UTC</time>.</p>
</footer>
</body>
</html>
`;
}

function signOut({ name, csrf }: SignedIn): Html {
  return html`<form class="who" method="post" action="/sign-out">
${csrfField(csrf)}<span>Signed in as <strong>${name}</strong></span>
<button class="quiet" type="submit">Sign out</button>
</form>`;
}

/** Every form that posts must hold it. */
export function csrfField(csrf: string): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`;
}
