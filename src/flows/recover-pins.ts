// PINs whose key is lost stand in no backup of ours, but on the locks: Seam tells those of its codes. What no code bears any more
// is given up, so that Relatch can start: no door opens with it.
import { bearersOfPin, type HeldPin, keyIdsInUse, pinsUnderKeys, replaceHeldPin } from '../db/pins.ts';
import { loadSchedule } from '../db/schedules.ts';
import type { SeamApi } from '../seam/api.ts';
import { actOn } from './act-on-schedule.ts';
import type { FlowDeps } from './flow-deps.ts';

export interface Recovered {
  /** How many PINs are under the first key now that were under a lost one. */
  readonly recovered: number;
  /** Keys of schedules that got a new PIN, which their holders must be told. */
  readonly redrawn: readonly string[];
  /** Keys of schedules whose PIN people choose, and must give anew. */
  readonly toGive: readonly string[];
  /** Why it was cut short; the rest is as before, and can be tried again. */
  readonly stoppedBecause: string | null;
}

type RecoverDeps = Pick<FlowDeps, 'db' | 'queue' | 'vault' | 'now' | 'random' | 'log'> & {
  readonly seam: Pick<SeamApi, 'getCode'>;
};

const pageSize = 200;
const callsAtMost = 5_000;

/** Reads back from Seam what keys protect that the vault lacks. */
export async function recoverPins(deps: RecoverDeps): Promise<Recovered> {
  const { prisma } = deps.db;
  const lost = [...(await keyIdsInUse(prisma)).keys()].filter((id) => !deps.vault.keyIds.has(id));
  const reader = new PinReader(deps.seam);
  const gone: HeldPin[] = [];
  let recovered = 0;
  let page = lost.length === 0 ? [] : await pinsUnderKeys(prisma, lost, null, pageSize);
  while (page.length > 0 && reader.stoppedBecause === null) {
    for (const held of page) {
      const pin = await findPin(deps, reader, held);
      if (reader.stoppedBecause !== null) break;
      if (pin === null) gone.push(held);
      else if (await replaceHeldPin(prisma, held, deps.vault.encrypt(pin, held.scheduleId))) recovered += 1;
    }
    page = await pinsUnderKeys(prisma, lost, page.at(-1) ?? null, pageSize);
  }
  const { stoppedBecause } = reader;
  // Nothing is given up before all could be asked for. And a draw compares with every PIN on its doors: all must be readable.
  if (stoppedBecause !== null) return { recovered, stoppedBecause, redrawn: [], toGive: [] };
  for (const held of gone) await replaceHeldPin(prisma, held, null);
  const ofSchedules = gone.filter(({ place }) => place === 'schedule').map(({ scheduleId }) => scheduleId);
  return { recovered, stoppedBecause, ...(await renew(deps, ofSchedules)) };
}

/** The PIN that codes of now bear; of a schedule's several doors, the one that most of them do. */
async function findPin({ db }: RecoverDeps, reader: PinReader, held: HeldPin): Promise<string | null> {
  const { place, accessCodeId, scheduleId, deviceId } = held;
  // Nobody else knows it: its endpoint is disabled when it is next to be told something.
  if (place === 'secret') return null;
  if (place === 'code') return accessCodeId === null ? null : reader.read({ deviceId, accessCodeId });
  const bearers = await bearersOfPin(db.prisma, scheduleId, place === 'door' ? deviceId : null);
  const votes = new Map<string, number>();
  for (const bearer of bearers) {
    const pin = await reader.read(bearer);
    if (reader.stoppedBecause !== null) return null;
    if (pin !== null) votes.set(pin, (votes.get(pin) ?? 0) + 1);
  }
  // Of as many votes, the one of the latest window.
  const most = Math.max(...votes.values());
  return [...votes].find(([, count]) => count === most)?.[0] ?? null;
}

/** Reads the PINs of codes, each once. A code that is gone has none; where Seam cannot be asked, it stops. */
class PinReader {
  readonly #seam: Pick<SeamApi, 'getCode'>;
  readonly #pins = new Map<string, string | null>();
  stoppedBecause: string | null = null;

  constructor(seam: Pick<SeamApi, 'getCode'>) {
    this.#seam = seam;
  }

  async read(code: { deviceId: string; accessCodeId: string }): Promise<string | null> {
    const known = this.#pins.get(code.accessCodeId);
    if (known !== undefined) return known;
    if (this.#pins.size >= callsAtMost) {
      this.stoppedBecause = `${callsAtMost} codes were read: run it again for the rest`;
      return null;
    }
    const asked = await this.#seam.getCode(code);
    if (!asked.ok && asked.failure.kind !== 'code_not_found') {
      this.stoppedBecause = asked.failure.message;
      return null;
    }
    const pin = asked.ok ? asked.value.pin : null;
    this.#pins.set(code.accessCodeId, pin);
    return pin;
  }
}

/** Has new PINs drawn where that is how the schedule gets them. */
async function renew(deps: RecoverDeps, scheduleIds: readonly string[]) {
  const redrawn: string[] = [];
  const toGive: string[] = [];
  for (const id of scheduleIds) {
    const schedule = await loadSchedule(deps.db.prisma, id);
    if (schedule === null) continue;
    if (schedule.pinPolicy === 'given') toGive.push(schedule.key);
    if (schedule.pinPolicy !== 'keep') continue;
    // One that rests gets its PIN when it is resumed.
    if (schedule.status === 'active')
      await actOn(deps, schedule.key, { kind: 'rotate_pin', pin: null }, { by: 'doctor' });
    redrawn.push(schedule.key);
  }
  return { redrawn: redrawn.sort(), toGive: toGive.sort() };
}
