// Extra windows and blackouts live in JSON columns, which anybody may have written: they are checked on their way in.
import { z } from 'zod';
import type { ByHand } from '../core/schedule.ts';
import type { Blackout, ExtraWindow } from '../core/windows.ts';

const Extra = z.array(z.object({ date: z.string(), from: z.string(), to: z.string() }));
const Blackouts = z.array(z.object({ from: z.string(), to: z.string(), reason: z.string().nullable() }));

const ByHandColumn = z.object({
  closed: z.array(z.object({ startsAt: z.iso.datetime(), endsAt: z.iso.datetime(), reason: z.string().nullable() })),
  opened: Extra,
});

export function byHandOf(column: unknown): ByHand {
  return ByHandColumn.parse(column);
}

export function byHandColumn({ closed, opened }: ByHand) {
  return {
    closed: closed.map(({ startsAt, endsAt, reason }) => ({ startsAt, endsAt, reason })),
    opened: extraColumn(opened),
  };
}

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
