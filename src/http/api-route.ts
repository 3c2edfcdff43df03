// What a route of the API is: its place, what it takes and gives as zod schemas, and what it does. The router reads requests by it,
// and the document is made from it.
import { z } from 'zod';
import type { Tx } from '../db/client.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import type { NotifyDeps } from '../flows/notify-endpoint.ts';
import type { AdminToken } from './auth.ts';

/** What routes are given. */
export interface ApiDeps extends FlowDeps, Pick<NotifyDeps, 'endpoints'> {
  readonly tokens: readonly AdminToken[];
  /** Where people reach Relatch, as far as that was said. */
  readonly publicUrl?: string | undefined;
}

/** A request that was read, and is what its route takes. */
export interface Call<Params, Query, Body, Answer> {
  readonly deps: ApiDeps;
  /** Who asks, for the history. */
  readonly by: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The If-Match header without its quotes. */
  readonly ifMatch: string | undefined;
  /**
   * Keeps the answer under the request's Idempotency-Key, in the transaction of what it tells of. A POST that changes anything
   * must call it.
   */
  readonly keep: (tx: Tx, answer: Answer) => Promise<void>;
}

interface RouteSpec<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Under /v1: "/schedules/{key}". */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  /** All query parameters are texts; others than these are refused. */
  readonly query?: Query;
  readonly body?: Body;
  /** The body may be left out; it is then {}. */
  readonly isBodyOptional?: boolean;
  /** The body schema is for the document; `run` finds all that is wrong with the body itself. */
  readonly readsBody?: boolean;
  readonly ifMatch?: 'required' | 'optional';
  readonly status?: 200 | 201;
  /** Which problems there are, beside those that every route has: status → when. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly answer: Answer;
  /** The version of what was answered. */
  readonly etag?: (answer: z.output<Answer>) => string | null;
  /** Where that is which was made. */
  readonly location?: (answer: z.output<Answer>) => string | null;
  readonly run: (
    call: Call<z.output<Params>, z.output<Query>, z.output<Body>, z.input<Answer>>,
  ) => Promise<z.input<Answer>>;
}

/** A route, whatever it takes and gives. */
export interface Route
  extends Omit<RouteSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>, 'run' | 'etag' | 'location'> {
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly etag: (answer: unknown) => string | null;
  readonly location: (answer: unknown) => string | null;
  readonly run: (call: Call<unknown, unknown, unknown, unknown>) => Promise<unknown>;
}

const nothing = z.strictObject({});

/** Defines a route; what it takes and gives is typed by its schemas. */
export function route<
  Answer extends z.ZodType,
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = z.ZodUndefined,
>(spec: RouteSpec<Params, Query, Body, Answer>): Route {
  const { params = nothing, query = nothing, etag, location, run } = spec;
  return {
    ...spec,
    params,
    query,
    etag: (answer) => etag?.(answer as z.output<Answer>) ?? null,
    location: (answer) => location?.(answer as z.output<Answer>) ?? null,
    // The router gives it what these schemas let through.
    run: (call) => run(call as Call<z.output<Params>, z.output<Query>, z.output<Body>, z.input<Answer>>),
  };
}
