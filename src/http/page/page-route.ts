// What a page is: its place, and what it answers to who is signed in. The router sees to sessions, forms and headers.
import type { ApiDeps } from '../api-route.ts';
import type { Html } from './html.ts';
import type { SignedIn } from './session.ts';

/** A request of somebody who is signed in; a POST has shown the form token, and comes from a page of ours. */
export interface PageCall {
  readonly deps: ApiDeps;
  readonly signedIn: SignedIn;
  readonly now: Date;
  /** Parts of the path: `:key`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Empty for a GET. */
  readonly form: URLSearchParams;
}

export type PageAnswer =
  /** A document with this title and main part, which begins with its own h1. */
  | { readonly title: string; readonly body: Html; readonly status?: number; readonly updates?: boolean }
  /** 303 to a path of ours. */
  | { readonly goTo: string };

export interface PageRoute {
  readonly method: 'get' | 'post';
  /** As Express reads it: "/schedules/:key". */
  readonly path: string;
  /** @throws Problem, or whatever `toProblem` knows: it becomes a page in words */
  readonly run: (call: PageCall) => Promise<PageAnswer>;
}
