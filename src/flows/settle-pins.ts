// Decides the PINs of schedules that are about to be written: given ones are checked, kept ones drawn once and for all doors.
// No two schedules may hold one PIN on one door, so all that are known there are decrypted and compared; none is ever told.
import {
  commonConstraints,
  drawPin,
  generalConstraints,
  isGuessable,
  type PinConstraints,
  pinProblem,
} from '../core/pin.ts';
import type { PinChoice } from '../core/schedules-file.ts';
import { sharedPinMessage } from '../core/schedules-file.ts';
import type { ScheduleDraft } from '../core/schedules-file-merge.ts';
import type { Tx } from '../db/client.ts';
import type { EncryptedPin } from '../db/pin-vault.ts';
import { loadPinConstraints, loadPinsOnDevices } from '../db/pins.ts';
import type { SchedulePins, StoredSchedule } from '../db/schedules.ts';
import type { FlowDeps } from './flow-deps.ts';

/** A schedule whose PINs are to be settled. */
export interface PinCase {
  readonly id: string;
  readonly draft: ScheduleDraft;
  readonly stored: StoredSchedule | null;
  /** What the file says; undefined: nothing. `redrawn`: as before, with another PIN. */
  readonly choice: PinChoice | { readonly policy: 'redrawn' } | undefined;
  report(message: string): void;
}

export interface SettledPins {
  readonly pins: SchedulePins;
  /** The schedule has another PIN than before, or none any more. */
  readonly isChanged: boolean;
  /** A door has got or lost a PIN of its own. */
  readonly isDoorChanged: boolean;
  /** The user chose a PIN that is among the first to be tried. */
  readonly isGuessable: boolean;
}

// A lock that was never asked should not force its guessed length upon those that were.
const unknownLock: PinConstraints = { lengths: null, types: generalConstraints.types };

type PinDeps = Pick<FlowDeps, 'vault' | 'random'>;

/** Settles the PINs of all cases against each other and against what is stored; reports what cannot be. */
export async function settlePins(deps: PinDeps, tx: Tx, cases: readonly PinCase[]): Promise<Map<string, SettledPins>> {
  const deviceIds = [...new Set(cases.flatMap(({ draft }) => draft.deviceIds))];
  const constraints = await loadPinConstraints(tx, deviceIds);
  const book = new PinBook();
  const caseIds = new Set(cases.map(({ id }) => id));
  for (const pin of await loadPinsOnDevices(tx, deviceIds)) {
    // What these schedules will hold is entered below; what their codes still bear stays on the lock for a while.
    if (!pin.isOfCode && caseIds.has(pin.scheduleId)) continue;
    const owner = { id: pin.scheduleId, key: pin.scheduleKey, isOfCode: pin.isOfCode };
    book.enter(pin.deviceId, deps.vault.decrypt(pin, pin.scheduleId), owner);
  }
  const settlements = cases.map((pinCase) => new Settlement(pinCase, deps, book, constraints));
  // Chosen PINs first: drawn ones give way.
  for (const settlement of settlements) settlement.enterFixed();
  for (const settlement of settlements) settlement.checkGiven();
  for (const settlement of settlements) settlement.drawMissing();
  return new Map(settlements.map((settlement) => [settlement.id, settlement.result()]));
}

interface Owner {
  readonly id: string;
  readonly key: string;
  readonly isOfCode: boolean;
}

/** Which PINs are on which doors, and whose. */
class PinBook {
  readonly #byDevice = new Map<string, Map<string, Owner[]>>();

  enter(deviceId: string, pin: string, owner: Owner): void {
    const pins = this.#byDevice.get(deviceId) ?? new Map<string, Owner[]>();
    pins.set(pin, [...(pins.get(pin) ?? []), owner]);
    this.#byDevice.set(deviceId, pins);
  }

  /** Another schedule that holds this PIN on this door. */
  holder(deviceId: string, pin: string, otherThanId: string): Owner | undefined {
    const owners = this.#byDevice.get(deviceId)?.get(pin) ?? [];
    return owners.find(({ id, isOfCode }) => id !== otherThanId && !isOfCode);
  }

  taken(deviceIds: readonly string[]): Set<string> {
    return new Set(deviceIds.flatMap((deviceId) => [...(this.#byDevice.get(deviceId)?.keys() ?? [])]));
  }
}

/** One schedule on its way to its PINs. */
class Settlement {
  readonly id: string;
  readonly #case: PinCase;
  readonly #deps: PinDeps;
  readonly #book: PinBook;
  readonly #constraints: ReadonlyMap<string, PinConstraints>;
  readonly #storedPin: string | null;
  readonly #joined: readonly string[];
  readonly #byDevice = new Map<string, EncryptedPin>();
  #pin: string | null;
  #isDoorChanged = false;

  constructor(pinCase: PinCase, deps: PinDeps, book: PinBook, constraints: ReadonlyMap<string, PinConstraints>) {
    this.id = pinCase.id;
    this.#case = pinCase;
    this.#deps = deps;
    this.#book = book;
    this.#constraints = constraints;
    const { stored, draft, choice } = pinCase;
    const storedAll = stored?.pins.all ?? null;
    this.#storedPin = storedAll === null ? null : deps.vault.decrypt(storedAll, this.id);
    if (draft.pinPolicy === 'rotate') this.#pin = null;
    else if (choice?.policy === 'redrawn') this.#pin = null;
    else this.#pin = choice?.policy === 'given' ? choice.pin : this.#storedPin;
    const before = new Set(stored?.schedule.devices.map(({ deviceId }) => deviceId));
    this.#joined = draft.deviceIds.filter((deviceId) => !before.has(deviceId));
    this.#keepDoorPins();
  }

  /** A door has its own PIN because it cannot take the schedule's; a new PIN of the schedule is tried there first. */
  #keepDoorPins(): void {
    const { draft, stored } = this.#case;
    if (stored === null) return;
    const isKept = draft.pinPolicy !== 'rotate' && this.#pin === this.#storedPin;
    for (const [deviceId, pin] of stored.pins.byDevice) {
      if (isKept && draft.deviceIds.includes(deviceId)) this.#byDevice.set(deviceId, pin);
      else this.#isDoorChanged = true;
    }
  }

  enterFixed(): void {
    if (this.#pin !== null) this.#enter(this.#case.draft.deviceIds, this.#pin);
  }

  #enter(deviceIds: readonly string[], pin: string): void {
    const owner = { id: this.id, key: this.#case.draft.key, isOfCode: false };
    for (const deviceId of deviceIds) {
      const own = this.#byDevice.get(deviceId);
      this.#book.enter(deviceId, own === undefined ? pin : this.#deps.vault.decrypt(own, this.id), owner);
    }
  }

  checkGiven(): void {
    const { draft, report } = this.#case;
    const pin = this.#pin;
    if (draft.pinPolicy !== 'given' || pin === null) return;
    // What was accepted once stays, whatever has been learnt of the lock since: applying twice must change nothing.
    for (const deviceId of pin === this.#storedPin ? this.#joined : draft.deviceIds) {
      const holder = this.#book.holder(deviceId, pin, this.id);
      const constraints = this.#constraints.get(deviceId);
      const problem = constraints === undefined ? null : pinProblem(pin, constraints);
      if (holder !== undefined) report(sharedPinMessage(holder.key, deviceId));
      else if (problem !== null) report(`Device ${deviceId} does not take this PIN: it ${problem}.`);
    }
  }

  drawMissing(): void {
    const { draft, report } = this.#case;
    if (draft.pinPolicy !== 'keep') return;
    if (this.#pin === null) {
      this.#pin = this.#draw(draft.deviceIds);
      if (this.#pin === null)
        report('No PIN is left that these locks take: give one in quotes, or use fewer schedules.');
      else this.#enter(draft.deviceIds, this.#pin);
      return;
    }
    // The holder knows the PIN, so it stays; only a new door where somebody else has it gets another.
    for (const deviceId of this.#joined) {
      if (this.#book.holder(deviceId, this.#pin, this.id) === undefined) continue;
      const pin = this.#draw([deviceId]);
      if (pin === null) {
        report(`No PIN is left that device ${deviceId} takes: use fewer schedules there.`);
        continue;
      }
      this.#byDevice.set(deviceId, this.#deps.vault.encrypt(pin, this.id));
      this.#isDoorChanged = true;
      this.#enter([deviceId], pin);
    }
  }

  #draw(deviceIds: readonly string[]): string | null {
    const known = deviceIds.map((deviceId) => this.#constraints.get(deviceId) ?? unknownLock);
    // Doors that have no PIN in common: those that cannot take this one get their own when they are planned.
    const common = commonConstraints(known) ?? generalConstraints;
    const taken = this.#book.taken(deviceIds);
    if (this.#storedPin !== null) taken.add(this.#storedPin);
    return drawPin(common, this.#deps.random, taken);
  }

  result(): SettledPins {
    const { stored, choice } = this.#case;
    const isSame = this.#pin === this.#storedPin;
    const fresh = this.#pin === null ? null : this.#deps.vault.encrypt(this.#pin, this.id);
    return {
      pins: { all: isSame ? (stored?.pins.all ?? null) : fresh, byDevice: this.#byDevice },
      isChanged: !isSame,
      isDoorChanged: this.#isDoorChanged,
      isGuessable: !isSame && choice?.policy === 'given' && isGuessable(choice.pin),
    };
  }
}
