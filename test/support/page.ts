import { adminToken, type World } from './relatch.ts';

export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Where it leads to; null where it is a page. */
  readonly to: string | null;
}

type Served = { readonly relatch: Pick<World['relatch'], 'url'> };
type Fields = Readonly<Record<string, string>>;

/** What a browser sends with a form of a page of ours. */
export const fromHere = { 'sec-fetch-site': 'same-origin' };

/** A request as it is told, without following where it leads. */
export async function ask(
  world: Served,
  path: string,
  options: { headers?: Fields; form?: Fields } = {},
): Promise<PageAnswer> {
  const { headers = {}, form } = options;
  const response = await fetch(`${world.relatch.url}${path}`, {
    redirect: 'manual',
    headers,
    ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
  });
  const { status, headers: told } = response;
  return { status, headers: told, html: await response.text(), to: told.get('location') };
}

/** Somebody who is signed in. */
export interface Visitor {
  readonly cookie: string;
  get(path: string): Promise<PageAnswer>;
  /** Sends a form with the token that pages of this session hold. */
  post(path: string, form?: Fields): Promise<PageAnswer>;
  csrf(): Promise<string>;
}

export async function signIn(world: Served, token = adminToken): Promise<Visitor> {
  const answer = await ask(world, '/sign-in', { headers: fromHere, form: { token } });
  const [cookie = ''] = answer.headers.get('set-cookie')?.split(';') ?? [];
  const get = (path: string): Promise<PageAnswer> => ask(world, path, { headers: { cookie } });
  const csrf = async (): Promise<string> => /name="csrf" value="([^"]+)"/.exec((await get('/')).html)?.[1] ?? '';
  return {
    cookie,
    get,
    csrf,
    post: async (path, form = {}) =>
      ask(world, path, { headers: { ...fromHere, cookie }, form: { csrf: await csrf(), ...form } }),
  };
}
