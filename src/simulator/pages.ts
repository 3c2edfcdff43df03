import { invalidInput } from './failure.ts';
import { optionalNumber, optionalString, type Params } from './params.ts';

/** The `pagination` of a list's answer. */
export interface Pagination {
  readonly has_next_page: boolean;
  readonly next_page_cursor: string | null;
  readonly next_page_url: string | null;
}

const encode = (order: number): string => Buffer.from(`after:${order}`).toString('base64url');

function decode(cursor: string | undefined): number {
  if (cursor === undefined) return -1;
  const match = /^after:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw invalidInput('page_cursor', 'Invalid page cursor');
  return Number(match[1]);
}

/** One page of items, which stand in rising order; the cursor names the last one seen, so changes do not shift pages. */
export function pageOf<Item>(
  items: Iterable<Item>,
  orderOf: (item: Item) => number,
  params: Params,
  defaultLimit: number,
): { items: Item[]; pagination: Pagination } {
  const limit = optionalNumber(params, 'limit') ?? defaultLimit;
  if (limit < 1) throw invalidInput('limit', 'Expected a positive number');
  const after = decode(optionalString(params, 'page_cursor'));
  const page: Item[] = [];
  let hasMore = false;
  for (const item of items) {
    if (orderOf(item) <= after) continue;
    hasMore = page.length === limit;
    if (hasMore) break;
    page.push(item);
  }
  const last = page.at(-1);
  const cursor = hasMore && last !== undefined ? encode(orderOf(last)) : null;
  return { items: page, pagination: { has_next_page: hasMore, next_page_cursor: cursor, next_page_url: null } };
}
