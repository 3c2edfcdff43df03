import type { Code } from './access-code.ts';
import { claimPin, releasePin } from './code-change.ts';
import type { SimulatedDevice } from './device.ts';
import type { State } from './state.ts';

/** A code that another client, or somebody at the lock, made. */
export interface ForeignCode {
  readonly device_id: string;
  readonly name?: string | null;
  readonly code: string;
  readonly starts_at?: Date;
  readonly ends_at?: Date;
  /** True: made by another client of the workspace. False: made in the lock's own app, unknown to Seam's management. */
  readonly managed: boolean;
}

/** Somebody deletes a code in Seam's console. */
export function deleteByHand(state: State, accessCodeId: string): void {
  state.deleteCode(state.code(accessCodeId));
}

/** Somebody takes a code off in the lock's own app. Seam sees it and sets it again, unless it was told to allow that. */
export function removeAtLock(state: State, accessCodeId: string, tellsRemoval: boolean): void {
  const code = state.codes.get(accessCodeId) ?? state.code(accessCodeId);
  code.device.lock.erase(code.id, state.now);
  if (!code.isManaged) {
    state.emit(state.writer.bare(code, 'access_code.unmanaged.removed'));
    state.drop(code);
    return;
  }
  state.emit(state.writer.bare(code, 'access_code.deleted_external_to_seam'));
  if (tellsRemoval) state.emit(state.writer.bare(code, 'access_code.removed_from_device'));
  noteExternalChange(state, code, 'removed');
}

/** Somebody changes a code's PIN in the lock's own app. */
export function modifyAtLock(state: State, accessCodeId: string, pin: string): void {
  const code = state.code(accessCodeId);
  const entry = code.device.lock.entry(code.id);
  if (entry === undefined) throw new Error(`${accessCodeId} is not on the lock`);
  code.device.lock.write({ ...entry, pin }, state.now);
  state.emit(state.writer.bare(code, 'access_code.modified_external_to_seam'));
  code.externalChange = { type: 'modified', at: state.now };
  if (code.isExternalModificationAllowed) {
    releasePin(code);
    code.pin = pin;
    claimPin(code);
  }
  state.lifeCycle.advance(code);
}

function noteExternalChange(state: State, code: Code, type: 'modified' | 'removed'): void {
  code.externalChange = { type, at: state.now };
  code.isLetGo = code.isExternalModificationAllowed;
  state.lifeCycle.repair(code);
}

/** Puts a code on a device that the service under test did not make. */
export function addForeignCode(state: State, foreign: ForeignCode): string {
  const request = {
    deviceId: foreign.device_id,
    name: foreign.name ?? null,
    pin: foreign.code,
    startsAt: foreign.starts_at?.getTime() ?? null,
    endsAt: foreign.ends_at?.getTime() ?? null,
  };
  if (foreign.managed) return state.createCode(request).id;
  const code = state.insertCode(state.device(foreign.device_id), request, { isManaged: false });
  const { id: accessCodeId, name, startsAt, endsAt } = code;
  code.device.lock.write({ accessCodeId, name, pin: code.pin, startsAt, endsAt }, state.now);
  state.emit(state.writer.bare(code, 'access_code.unmanaged.created'));
  return code.id;
}

/** Hands out a backup code for the same window: one that is on the lock at once. Asked again, the same one. */
export function pullBackup(state: State, code: Code, pin: string): Code {
  const existing = code.pulledBackupId === null ? undefined : state.codes.get(code.pulledBackupId);
  if (existing !== undefined) return existing;
  const { device, startsAt, endsAt } = code;
  const request = { deviceId: device.id, name: code.name, pin, startsAt, endsAt };
  const backup = state.insertCode(device, request, { isBackup: true });
  device.lock.write({ accessCodeId: backup.id, name: backup.name, pin, startsAt, endsAt: backup.endsAt }, state.now);
  backup.isAnnounced = !device.isNative || startsAt === null || startsAt <= state.now;
  code.pulledBackupId = backup.id;
  state.emit(state.writer.backupPulled(code, backup));
  state.lifeCycle.advance(backup);
  return backup;
}

/** What can happen to one device. */
export class DeviceControl {
  readonly #state: State;
  readonly #device: SimulatedDevice;

  constructor(state: State, device: SimulatedDevice) {
    this.#state = state;
    this.#device = device;
  }

  /** The lock can no longer be reached: nothing is set on it or taken off. */
  goOffline(): void {
    if (!this.#device.isOnline) return;
    this.#device.isOnline = false;
    this.#device.offlineSince = this.#state.now;
    this.#state.emit(this.#state.writer.deviceDisconnected(this.#device));
    this.#reachChanged();
  }

  goOnline(): void {
    if (this.#device.isOnline) return;
    this.#device.isOnline = true;
    this.#device.offlineSince = null;
    this.#state.emit(this.#state.writer.device(this.#device, 'device.connected'));
    this.#reachChanged();
  }

  /** The device leaves the account (factory reset): its codes go, and no event tells of them. */
  remove(): void {
    if (this.#device.isRemoved) return;
    this.#device.isRemoved = true;
    this.#device.lock.eraseAll(this.#state.now);
    this.#state.emit(this.#state.writer.device(this.#device, 'device.removed'));
    for (const code of [...this.#device.codes]) this.#state.drop(code);
  }

  /** It returns under its old id, empty. */
  comeBack(): void {
    if (!this.#device.isRemoved) return;
    this.#device.isRemoved = false;
    this.#state.emit(this.#state.writer.device(this.#device, 'device.added'));
  }

  #reachChanged(): void {
    for (const code of [...this.#device.codes]) if (code.isManaged) this.#state.lifeCycle.reachChanged(code);
  }
}
