// Every route that an Express app has, found by walking it: one that is added is found by itself.
import type { Express } from 'express';

export interface FoundRoute {
  /** With `{name}` for what varies. */
  readonly path: string;
  /** Upper case; what answers any other method is not among them. */
  readonly methods: readonly string[];
}

interface Layer {
  readonly rawPath: unknown;
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** @throws Error where a route has no path of its own that can be asked, such as a regular expression */
export function routesOf(app: Express): FoundRoute[] {
  return walk((app.router as unknown as { stack: readonly Layer[] }).stack, '');
}

function walk(stack: readonly Layer[], prefix: string): FoundRoute[] {
  return stack.flatMap(({ rawPath, route, handle }) => {
    if (typeof (route?.path ?? rawPath) !== 'string')
      throw new Error(`a route at ${prefix} has no path that is a text`);
    if (route !== undefined)
      return [{ path: `${prefix}${braced(String(route.path))}`, methods: methodsOf(route.methods) }];
    const place = rawPath === '/' ? prefix : `${prefix}${rawPath}`;
    return handle.stack === undefined ? [] : walk(handle.stack, place);
  });
}

function braced(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function methodsOf(methods: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(methods)
    .filter((method) => method !== '_all')
    .map((method) => method.toUpperCase());
}
