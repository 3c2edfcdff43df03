// Extra windows and blackouts live in JSON columns, which anybody may have written: they are checked on their way in.
import { z } from 'zod';
import type { Blackout, ExtraWindow } from '../core/windows.ts';

const Extra = z.array(z.object({ date: z.string(), from: z.string(), to: z.string() }));
const Blackouts = z.array(z.object({ from: z.string(), to: z.string(), reason: z.string().nullable() }));

export function extraOf(column: unknown): readonly ExtraWindow[] {
  return Extra.parse(column);
}

export function blackoutsOf(column: unknown): readonly Blackout[] {
  return Blackouts.parse(column);
}

export function extraColumn(extra: readonly ExtraWindow[]) {
  return extra.map(({ date, from, to }) => ({ date, from, to }));
}

export function blackoutsColumn(blackouts: readonly Blackout[]) {
  return blackouts.map(({ from, to, reason }) => ({ from, to, reason }));
}
