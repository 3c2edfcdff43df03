// Looks at every call to Seam, and at what Seam holds after it: the invariants that must hold at every instant.
import type { AccessCode } from 'seam';
import type { SeamApi } from '../../src/seam/api.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type Door, doorOf } from './doors.ts';
import type { PlanBook } from './plan-book.ts';
import { Violation } from './trace.ts';

type CreateRequest = Parameters<SeamApi['createCode']>[0];
type UpdateRequest = Parameters<SeamApi['updateCode']>[0];

const secondMs = 1_000;

export class Watch {
  readonly #simulator: Simulator;
  readonly #book: PlanBook;
  /** How far clocks of processes may be ahead or behind. */
  readonly #skewMs: number;
  /** By the marker of a code, or the id of one that was adopted. */
  readonly #doors = new Map<string, Door>();
  readonly #askedAt = new Map<string, number>();
  /** Since when its PIN is to open nothing; by the same. */
  readonly #takenBackAt = new Map<string, number>();
  readonly #foreign = new Set<string>();
  readonly #adopted = new Map<string, { readonly at: number; readonly looks: string }>();
  readonly #backups = new Set<string>();
  /** Every code of ours that Seam ever held, by its id. */
  readonly held = new Map<string, { readonly door: Door; readonly since: number; readonly endsAt: number }>();
  readonly #lateAt = new Map<number, string>();
  creates = 0;

  constructor(simulator: Simulator, book: PlanBook, skewMs: number) {
    this.#simulator = simulator;
    this.#book = book;
    this.#skewMs = skewMs;
  }

  askedToCreate(door: Door, request: CreateRequest): void {
    this.creates += 1;
    this.#doors.set(markerOf(request.name), door);
    this.#assertPlanned(door, request);
  }

  askedToUpdate(door: Door, request: UpdateRequest): void {
    this.#assertOurs(door, request.accessCodeId);
    this.#askedAt.set(request.accessCodeId, this.#simulator.now().getTime());
    this.#assertPlanned(door, request);
  }

  askedToDelete(door: Door, accessCodeId: string): void {
    this.#assertOurs(door, accessCodeId);
    this.#askedAt.set(accessCodeId, this.#simulator.now().getTime());
  }

  askedForBackup(door: Door, accessCodeId: string): void {
    this.#assertOurs(door, accessCodeId);
  }

  /** Whether it was to be moved or deleted since an instant. */
  wasAskedSince(accessCodeId: string, at: number): boolean {
    return (this.#askedAt.get(accessCodeId) ?? 0) >= at;
  }

  /** The PIN of whatever was asked for until now is to open nothing any more. */
  pinTakenBack(key: string): void {
    const now = this.#simulator.now().getTime();
    for (const [sign, door] of this.#doors) {
      if (door.key === key && !this.#takenBackAt.has(sign)) this.#takenBackAt.set(sign, now);
    }
  }

  /** Since when a code's PIN is to open nothing; a backup has its own. */
  takenBackAt(code: Named): number | undefined {
    return this.isBackup(code.access_code_id) ? undefined : this.#takenBackAt.get(this.#signOf(code));
  }

  isForeign(accessCodeId: string): boolean {
    return this.#foreign.has(accessCodeId);
  }

  /** Handed out by Seam beside a code that is in trouble: the one exception. */
  isBackup(accessCodeId: string): boolean {
    return this.#backups.has(accessCodeId);
  }

  noteForeign(accessCodeId: string): void {
    this.#foreign.add(accessCodeId);
  }

  /** A code that was foreign is ours from now on; its name and PIN stay as they are. */
  adopted(accessCodeId: string, door: Door): void {
    const code = this.#simulator.codes({ device_id: door.deviceId }).find((one) => one.access_code_id === accessCodeId);
    this.#foreign.delete(accessCodeId);
    this.#adopted.set(accessCodeId, {
      at: this.#simulator.now().getTime(),
      looks: looksOf(code),
    });
    this.#doors.set(accessCodeId, door);
    this.written(door.deviceId);
  }

  /** Since when a code is ours that others made; undefined for all other codes. */
  adoptedAt(accessCodeId: string): number | undefined {
    return this.#adopted.get(accessCodeId)?.at;
  }

  expectLate(at: number, deviceId: string): void {
    this.#lateAt.set(at, deviceId);
  }

  /** A call that was cut off may have been done meanwhile. */
  timeMoved(now: number): void {
    for (const [at, deviceId] of [...this.#lateAt]) {
      if (at > now) continue;
      this.#lateAt.delete(at);
      this.written(deviceId);
    }
  }

  /** Never two codes for one window and device: no two that Seam keeps for a door overlap. */
  written(deviceId: string): void {
    const ours = this.ours(deviceId);
    for (const { code, door } of ours) {
      const since = this.held.get(code.access_code_id)?.since ?? this.#simulator.now().getTime();
      this.held.set(code.access_code_id, { door, since, endsAt: Date.parse(code.ends_at ?? '') });
    }
    const kept = ours.filter(({ code }) => !isLeaving(code));
    for (const { code, door } of kept) {
      const adopted = this.#adopted.get(code.access_code_id);
      if (adopted !== undefined && adopted.looks !== looksOf(code))
        throw new Violation('an adopted code keeps its name and PIN', 'one of them is another now', door);
    }
    for (const { code } of kept) if (code.is_backup === true) this.#backups.add(code.access_code_id);
    for (const [index, one] of kept.entries()) {
      for (const other of kept.slice(index + 1)) {
        if (one.door !== other.door || !overlap(one.code, other.code)) continue;
        if (this.isBackup(one.code.access_code_id) || this.isBackup(other.code.access_code_id)) continue;
        const text = [one, other].map(({ code }) => `${code.starts_at}/${code.ends_at}`).join(' and ');
        throw new Violation('never two codes for one window', `Seam keeps two codes: ${text}`, one.door);
      }
    }
  }

  /** Our codes on a device as Seam has them now. */
  ours(deviceId: string): { code: AccessCode; door: Door }[] {
    return this.#simulator.codes({ device_id: deviceId }).flatMap((code) => {
      const door = this.doorOfCode(code);
      return door === undefined ? [] : [{ code, door }];
    });
  }

  /** Whose code it is, by the marker in its name or its adoption. */
  doorOfCode(code: Named): Door | undefined {
    return this.#doors.get(this.#signOf(code));
  }

  #signOf({ access_code_id: id, name }: Named): string {
    return this.#adopted.has(id) ? id : markerOf(name ?? '');
  }

  #assertOurs(door: Door, accessCodeId: string): void {
    if (!this.#foreign.has(accessCodeId)) return;
    throw new Violation('nothing of others is touched', 'a code that is not ours was to be changed or deleted', door);
  }

  /** No code is asked of Seam with times outside the plan of this moment. */
  #assertPlanned(door: Door, { startsAt, endsAt }: { startsAt: Date; endsAt: Date }): void {
    const windows = this.#book.windows(doorOf(door.key, door.deviceId));
    // A live code keeps its start: what has passed opens nothing.
    const opensAt = Math.max(startsAt.getTime(), this.#simulator.now().getTime());
    const isInside = windows.some((window) => opensAt >= window.startAt && endsAt.getTime() <= window.endAt);
    if (isInside && startsAt < endsAt) return;
    const text = `${startsAt.toISOString()}/${endsAt.toISOString()}`;
    throw new Violation('no code outside the plan of the moment', `asked for ${text}, which no window holds`, door);
  }

  get skewMs(): number {
    return this.#skewMs;
  }
}

/** A code of Seam's, or what a lock remembers of one. */
interface Named {
  readonly access_code_id: string;
  readonly name: string | null;
}

/** It holds the PIN: it is compared and never told. */
function looksOf(code: AccessCode | undefined): string {
  return JSON.stringify({ name: code?.name, pin: code?.code });
}

export function isLeaving(code: AccessCode): boolean {
  return code.pending_mutations.some(({ mutation_code }) => mutation_code === 'deleting');
}

function overlap(a: AccessCode, b: AccessCode): boolean {
  const [aFrom, aUntil, bFrom, bUntil] = [a.starts_at, a.ends_at, b.starts_at, b.ends_at].map((text) =>
    Date.parse(text ?? ''),
  );
  return (aFrom ?? 0) + secondMs <= (bUntil ?? 0) && (bFrom ?? 0) + secondMs <= (aUntil ?? 0);
}

function markerOf(name: string): string {
  return name.split(' ').at(-1) ?? '';
}
