// Keeps a page up to date: reads it anew and takes over what has changed, in place, so that focus, what is open and what was typed
// stay. Without it the page says as much, and is read anew as a whole.

const everyMs = 30_000;
const news = document.querySelector('.news');
let isReading = false;

showLocalTimes(document);
if (document.body.hasAttribute('data-updates')) {
  document.addEventListener('visibilitychange', update);
  setInterval(update, everyMs);
}

async function update() {
  if (document.visibilityState === 'hidden' || isReading) return;
  isReading = true;
  try {
    const response = await fetch(location.href);
    if (new URL(response.url).pathname === '/sign-in')
      return tell('Your session has ended: load the page to sign in again.');
    if (!response.ok) return tell('Relatch does not answer as it should: what you see may be out of date.');
    takeOver(new DOMParser().parseFromString(await response.text(), 'text/html'));
  } catch {
    tell('Relatch does not answer: what you see may be out of date.');
  } finally {
    isReading = false;
  }
}

function takeOver(fresh) {
  showLocalTimes(fresh);
  const wasIn = document.activeElement?.closest('main') !== null;
  tell(fresh.title === document.title ? '' : fresh.title, true);
  document.title = fresh.title;
  for (const part of ['main', '.bottom']) become(document.querySelector(part), fresh.querySelector(part));
  // What had the focus may be gone.
  if (wasIn && document.activeElement === document.body) document.querySelector('main').focus({ preventScroll: true });
}

/** Said aloud by screen readers; shown where it is no good news. */
function tell(text, isUnseen = false) {
  news.className = isUnseen ? 'news unseen' : 'news notice bad';
  if (news.textContent !== text) news.textContent = text;
}

function become(old, fresh) {
  for (const { name } of [...old.attributes])
    if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const left = [...old.childNodes];
  const pairs = [...fresh.childNodes].map((node) => {
    const at = left.findIndex((one) => isAlike(one, node));
    return { node, kept: at < 0 ? undefined : left.splice(at, 1)[0] };
  });
  // First, so that what stays need not be moved: that would take the focus from it.
  for (const node of left) node.remove();
  let place = old.firstChild;
  for (const { node, kept } of pairs) {
    if (kept !== undefined && kept === place) place = place.nextSibling;
    else old.insertBefore(kept ?? node, place);
    if (kept?.nodeType === Node.ELEMENT_NODE) become(kept, node);
    else if (kept !== undefined && kept.data !== node.data) kept.data = node.data;
  }
}

function isAlike(a, b) {
  return a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || '' : '';
}

function showLocalTimes(root) {
  for (const time of root.querySelectorAll('time[data-local]')) {
    const here = new Date(time.dateTime).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
    time.textContent = `${here}, your time`;
  }
}
