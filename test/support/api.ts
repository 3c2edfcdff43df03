import { adminToken, type World } from './relatch.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what tests ask
  readonly body: any;
}

/** Where the service listens: a world, or an instance in a process of its own. */
type Served = { readonly relatch: Pick<World['relatch'], 'url'> };

interface ApiRequest {
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
}

/** A request to the service over HTTP: call(world, 'POST /v1/schedules', { body }). */
export async function call(world: Served, request: string, options: ApiRequest = {}): Promise<ApiAnswer> {
  const [method = '', path = ''] = request.split(' ');
  const { token = adminToken, headers = {}, body, raw } = options;
  const content = raw ?? (body === undefined ? null : JSON.stringify(body));
  const response = await fetch(`${world.relatch.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(content === null ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: content,
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}
