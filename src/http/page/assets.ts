// The sheet, the script and the icon of the pages: files beside this one, and beside the built program.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Router } from 'express';
import { onlyMethods } from '../problem.ts';

const types = {
  'page.css': 'text/css; charset=utf-8',
  'week.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

type Asset = keyof typeof types;

const root = '/page';
const paths = new Map<Asset, string>();

/** Where a page finds it: the address changes with the content, so that it may be kept. */
export function assetPath(name: Asset): string {
  const known = paths.get(name);
  if (known !== undefined) return known;
  const path = `${root}/${name}?${createHash('sha256').update(contentOf(name)).digest('hex').slice(0, 8)}`;
  paths.set(name, path);
  return path;
}

/** They hold nothing that is secret, and need no session: the sign-in page is made with them. */
export function assetRoutes(): Router {
  const router = Router();
  for (const [name, type] of Object.entries(types)) {
    const content = contentOf(name as Asset);
    router
      .route(`${root}/${name}`)
      .get((_req, res) => {
        res.set({ 'cache-control': 'public, max-age=86400', 'content-type': type }).send(content);
      })
      .all(onlyMethods('GET', 'HEAD'));
  }
  return router;
}

function contentOf(name: Asset): Buffer {
  return readFileSync(new URL(name, import.meta.url));
}
