// The OpenAPI document, made of the same schemas by which requests are read and answers are cut.
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponseObject } from 'zod-openapi';
import type { Route } from './api-route.ts';
import { apiRoot } from './api-router.ts';
import { ProblemDetails } from './api-schemas.ts';
import { webhookMessages } from './endpoint-messages.ts';

const description = `Recurring access codes on smart locks. Every request needs a token of \`ADMIN_TOKENS\`.

- **Dry run.** \`dry_run=true\` answers what would be done to which door, and does nothing.
- **Versions.** What has an \`ETag\` is changed with it as \`If-Match\`; 412 says that somebody else was faster.
- **Repeating.** A \`POST\` with an \`Idempotency-Key\` is done once: the same request under the same key gets the same answer for a day.
  What was refused changed nothing, and may be sent again under its key.
- **PINs** are answered only by codes with \`reveal=true\`, and the history keeps who saw which.`;

const everywhere: Readonly<Record<number, string>> = {
  400: 'The request is not as it should be; errors names each field.',
  401: 'The token is missing or not known.',
  414: 'The address is longer than 4,096 characters.',
  429: 'Too many wrong tokens came from this address in a minute.',
  503: 'The database or Seam does not answer, others are changing schedules, or there is too much to do: send it again.',
};

/** The document of these routes. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const place = `${apiRoot}${route.path}`;
    paths[place] = { ...paths[place], [route.method]: operationOf(route) };
  }
  return createDocument({
    openapi: '3.1.1',
    info: { title: 'Relatch', version: '1', description },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ token: [] }],
    paths,
    webhooks: { ...webhookMessages },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { operationId, tag, summary, description, params, query, body, isBodyOptional = false } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    requestParams: { path: objectOf(params), query: objectOf(query), header: headersOf(route) },
    ...(body !== undefined && {
      requestBody: { required: !isBodyOptional, content: { 'application/json': { schema: body } } },
    }),
    responses: responsesOf(route),
  };
}

function objectOf(schema: z.ZodType): z.ZodObject {
  if (schema instanceof z.ZodObject) return schema;
  throw new Error('parameters are the fields of an object');
}

function headersOf({ method, ifMatch }: Route): z.ZodObject {
  const etag = z.string().meta({ description: 'The ETag of what was read.', examples: ['"1"'] });
  const key = z.string().min(1).max(200).optional();
  return z.object({
    ...(ifMatch === 'required' && { 'If-Match': etag }),
    ...(ifMatch === 'optional' && { 'If-Match': etag.optional() }),
    ...(method === 'post' && { 'Idempotency-Key': key.meta({ description: 'The same when it is repeated; a UUID.' }) }),
  });
}

function responsesOf(route: Route): ZodOpenApiOperationObject['responses'] {
  const { status = 200, answer, method, ifMatch, problems = {} } = route;
  const told: Record<number, string> = {
    ...everywhere,
    ...(method !== 'get' && { 413: 'The body is larger than 256 kB.', 415: 'The body is no JSON.' }),
    ...(ifMatch !== undefined && { 412: 'It was changed meanwhile: read it again.' }),
    ...(ifMatch === 'required' && { 428: 'If-Match is missing.' }),
    ...(method === 'post' && { 422: 'The Idempotency-Key is that of another request.' }),
    ...problems,
  };
  const done: ZodOpenApiResponseObject = { description: 'Done.', content: { 'application/json': { schema: answer } } };
  const refused = Object.entries(told).map(([code, description]) => {
    const content = { 'application/problem+json': { schema: ProblemDetails } };
    return [code, { description, content } satisfies ZodOpenApiResponseObject] as const;
  });
  return { [`${status}`]: done, ...Object.fromEntries(refused) };
}
