// The OpenAPI document, and a page to read it and to try it out on. Nothing of it comes from another host.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RequestHandler, Router } from 'express';
import type { Route } from './api-route.ts';
import { openApiDocument } from './openapi.ts';
import { onlyMethods } from './problem.ts';

const assets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
} as const;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Relatch API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', validatorUrl: null, docExpansion: 'list' });
`;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/openapi.json` and `/docs`: they hold nothing that is secret, and need no token. */
export function docsRoutes(routes: readonly Route[]): Router {
  const router = Router();
  let text: string | undefined;
  const document: RequestHandler = (_req, res) => {
    text ??= JSON.stringify(openApiDocument(routes));
    res.type('application/json').send(text);
  };
  const only = onlyMethods('GET', 'HEAD');
  router.use('/docs', (_req, res, next) => {
    res.set('content-security-policy', policy);
    next();
  });
  router.route('/openapi.json').get(document).all(only);
  router.route('/docs').get(sendText('text/html; charset=utf-8', page)).all(only);
  router.route('/docs/start.js').get(sendText('text/javascript; charset=utf-8', start)).all(only);
  const folder = assetsFolder();
  for (const [name, type] of Object.entries(assets)) {
    const send: RequestHandler = (_req, res, next) => {
      res.set('cache-control', 'max-age=3600').type(type);
      res.sendFile(name, { root: folder, cacheControl: false }, next);
    };
    router.route(`/docs/${name}`).get(send).all(only);
  }
  return router;
}

function sendText(type: string, text: string): RequestHandler {
  return (_req, res) => {
    res.type(type).send(text);
  };
}

/** Beside the built program; in the package where the source runs as it is. */
function assetsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  if (existsSync(join(here, 'swagger-ui.css'))) return here;
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
