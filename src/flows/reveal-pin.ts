// PINs leave the database here only, and never without a line of the history that says to whom.
import { UserError } from '../core/errors.ts';
import type { HistoryEntry } from '../db/history.ts';
import { insertHistory } from '../db/history.ts';
import { type CodeToReveal, listCodes, loadCodesToReveal } from '../db/views.ts';
import { hoursOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';

type RevealDeps = Pick<FlowDeps, 'db' | 'vault' | 'now' | 'log'>;

/**
 * The PINs of these codes by their ids, and in the same transaction an entry for each. Codes that have none (not asked for yet, or
 * drawn by the lock) are left out.
 * @param by who gets to see them
 * @throws UserError `pin_key_missing`
 */
export async function revealPins(
  deps: RevealDeps,
  codeIds: readonly string[],
  by: string,
): Promise<ReadonlyMap<string, string>> {
  if (codeIds.length === 0) return new Map();
  const { pins, entries } = await deps.db.prisma.$transaction(async (tx) => {
    const codes = (await loadCodesToReveal(tx, codeIds)).flatMap(({ pin, ...code }) =>
      pin === null ? [] : [{ code, pin: deps.vault.decrypt(pin, code.scheduleId) }],
    );
    const told = codes.map(({ code }) => revealed(code, by, deps.now()));
    for (const entry of told) await insertHistory(tx, entry);
    return { pins: new Map(codes.map(({ code, pin }) => [code.id, pin])), entries: told };
  });
  for (const entry of entries) logEntry(deps.log, entry);
  return pins;
}

/** The PIN of one code; null where it has none. @throws UserError `code_unknown`, `pin_key_missing` */
export async function revealPin(deps: RevealDeps, codeId: string, by: string): Promise<string | null> {
  const [code] = await loadCodesToReveal(deps.db.prisma, [codeId]);
  if (code === undefined) throw new UserError('code_unknown', `There is no code ${codeId}.`);
  return (await revealPins(deps, [codeId], by)).get(codeId) ?? null;
}

/** The PINs of a schedule's codes of now and next, by device; the earliest window's at each. */
export async function revealPinsOf(
  deps: RevealDeps,
  scheduleKey: string,
  by: string,
): Promise<ReadonlyMap<string, string>> {
  const codes = await listCodes(deps.db.prisma, { scheduleKey, limit: 200 });
  const first = [...Map.groupBy(codes, ({ deviceId }) => deviceId)].flatMap(([, [code]]) => code ?? []);
  const pins = await revealPins(
    deps,
    first.map(({ id }) => id),
    by,
  );
  return new Map(first.flatMap(({ id, deviceId }) => (pins.has(id) ? [[deviceId, pins.get(id) ?? '']] : [])));
}

function revealed(code: Omit<CodeToReveal, 'pin'>, by: string, at: Date): HistoryEntry {
  const { scheduleName, deviceName, deviceId, timezone } = code;
  const where = `${scheduleName} at ${deviceName ?? `device ${deviceId}`}, ${hoursOf(timezone, windowOf(code))}`;
  return {
    at,
    kind: 'pin.revealed',
    message: `The PIN was shown to ${by}: the code of ${where}.`,
    scheduleId: code.scheduleId,
    deviceId,
    codeId: code.id,
    detail: { by, schedule_key: code.scheduleKey, schedule_name: scheduleName, device_name: deviceName },
  };
}
