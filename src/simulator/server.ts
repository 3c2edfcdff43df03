import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { ApiFailure, errorBody } from './failure.ts';
import type { Faults, RequestFault } from './faults.ts';
import { type Params, paramsFromQuery } from './params.ts';
import type { ApiContext } from './route.ts';
import { routes } from './routes.ts';
import type { Timeline } from './timeline.ts';

/** One API call as it was received. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Params;
  /** Virtual time. */
  readonly at: Date;
  /** What was answered; null while the answer is open, or when it never arrived. */
  status: number | null;
  readonly fault: RequestFault['kind'] | null;
}

export interface ApiServerOptions {
  readonly context: ApiContext;
  readonly apiKey: string;
  readonly faults: Faults;
  readonly timeline: Timeline;
  /** Brings virtual time up to date where it follows real time. */
  readonly catchUp: () => void;
  readonly requests: ApiRequest[];
  readonly control: (app: Express) => void;
}

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly retryAfterSeconds?: number | undefined;
}

const keptRequests = 50_000;

function isAuthorized(header: string | undefined, apiKey: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${apiKey}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function failed(failure: ApiFailure, requestId: string): Reply {
  const { status, retryAfterSeconds } = failure;
  return { status, body: errorBody(failure, requestId), retryAfterSeconds };
}

/** Seam's API: each call is counted, authorized, perhaps struck by a fault, and answered in Seam's envelope. */
class Api {
  readonly #o: ApiServerOptions;

  constructor(options: ApiServerOptions) {
    this.#o = options;
  }

  receive(request: Request, response: Response): void {
    const { catchUp, requests, faults, timeline, apiKey } = this.#o;
    catchUp();
    const { method, path } = request;
    const query = new URLSearchParams(request.originalUrl.split('?')[1] ?? '');
    const body: unknown = request.body;
    const params: Params = { ...paramsFromQuery(query), ...(typeof body === 'object' ? body : {}) };
    const requestId = randomUUID();
    response.setHeader('seam-request-id', requestId);
    const isWelcome = isAuthorized(request.headers.authorization, apiKey);
    const deviceId = typeof params.device_id === 'string' ? params.device_id : this.#deviceOf(params);
    const fault = isWelcome ? faults.takeRequest(method, path, deviceId) : null;
    const entry: ApiRequest = {
      method,
      path,
      params,
      at: new Date(timeline.now),
      status: null,
      fault: fault?.kind ?? null,
    };
    if (requests.length >= 2 * keptRequests) requests.splice(0, keptRequests);
    requests.push(entry);
    const run = (): Reply => this.#run(method, path, params, requestId);
    const send = (reply: Reply): void => {
      entry.status = reply.status;
      if (reply.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(reply.retryAfterSeconds));
      response.status(reply.status).json(reply.body);
    };
    if (!isWelcome) send(failed(new ApiFailure(401, 'unauthorized', 'Unauthorized'), requestId));
    else if (fault === null) send(run());
    else this.#suffer(fault, { response, requestId, entry, run, send });
  }

  #deviceOf({ access_code_id: id }: Params): string | undefined {
    return typeof id === 'string' ? this.#o.context.state.codes.get(id)?.device.id : undefined;
  }

  #run(method: string, path: string, params: Params, requestId: string): Reply {
    const route = routes.get(path);
    try {
      if (route === undefined) throw new ApiFailure(404, 'not_found', `There is no ${path}`);
      if (method !== route.method && method !== 'POST') {
        throw new ApiFailure(405, 'method_not_allowed', `${path} does not take ${method}`);
      }
      return { status: 200, body: { ...route.handle(this.#o.context, params), ok: true } };
    } catch (error) {
      if (error instanceof ApiFailure) return failed(error, requestId);
      throw error;
    }
  }

  #suffer(
    fault: RequestFault,
    call: {
      response: Response;
      requestId: string;
      entry: ApiRequest;
      run: () => Reply;
      send: (reply: Reply) => void;
    },
  ): void {
    const { response, run, send } = call;
    switch (fault.kind) {
      case 'answer_lost_after_commit':
        run();
        response.destroy();
        return;
      case 'reset_before_commit':
        response.destroy();
        return;
      case 'commit_late':
        this.#o.timeline.schedule(this.#o.timeline.now + fault.delayMs, () => void run());
        response.destroy();
        return;
      case 'hang':
        if (fault.afterCommit === true) run();
        return;
      case 'stall_body': {
        const text = JSON.stringify(run().body);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length + 100 });
        response.write(text.slice(0, text.length / 2));
        return;
      }
      case 'slow':
        setTimeout(() => send(run()), fault.delayMs);
        return;
      case 'status':
        if (fault.afterCommit === true) run();
        this.#answerAsTold(fault, call);
    }
  }

  #answerAsTold(
    fault: Extract<RequestFault, { kind: 'status' }>,
    {
      response,
      requestId,
      entry,
      send,
    }: { response: Response; requestId: string; entry: ApiRequest; send: (reply: Reply) => void },
  ): void {
    const { status, type = `simulated_${status}`, body, retryAfterSeconds } = fault;
    if (body === undefined) {
      send(failed(new ApiFailure(status, type, 'Simulated fault', { retryAfterSeconds }), requestId));
      return;
    }
    entry.status = status;
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
    response.status(status).type('application/json');
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const failure =
    error instanceof ApiFailure
      ? error
      : error instanceof SyntaxError
        ? new ApiFailure(400, 'invalid_input', 'The body is not JSON')
        : new ApiFailure(500, 'internal_server_error', error instanceof Error ? error.message : String(error));
  response.status(failure.status).json(errorBody(failure, ''));
};

/** Starts to listen, and returns the server and its port. */
export async function listen(
  options: ApiServerOptions,
  host: string,
  port: number,
): Promise<{ server: Server; port: number }> {
  const api = new Api(options);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.json({ type: () => true, limit: '1mb' }));
  app.get('/health', (_request, response) => {
    response.json({ ok: true });
  });
  options.control(app);
  app.use((request, response) => api.receive(request, response));
  app.use(onError);
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  return { server, port: (server.address() as AddressInfo).port };
}
