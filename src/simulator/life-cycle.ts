import type { SeamEvent } from 'seam';
import { type Code, isOnLock, type Operation, programmingAt } from './access-code.ts';
import { endingOf } from './ending.ts';
import type { EventWriter } from './events.ts';
import type { Entry } from './lock.ts';
import type { Switches } from './switches.ts';
import type { Timeline } from './timeline.ts';
import type { Timings } from './timings.ts';

export interface LifeCycleOptions {
  readonly timeline: Timeline;
  readonly timings: Timings;
  readonly switches: Switches;
  readonly writer: EventWriter;
  readonly emit: (event: SeamEvent) => void;
  /** Takes the object itself away, or only its claim to its PIN. */
  readonly forget: (code: Code, keepObject: boolean) => void;
  readonly isReachable: (code: Code) => boolean;
}

/** Moves codes along: unset → setting → set → removing → gone. Each code has one timer, for its next coming instant. */
export class LifeCycle {
  readonly #o: LifeCycleOptions;

  constructor(options: LifeCycleOptions) {
    this.#o = options;
  }

  /** Does everything that is due for a code, and sets its timer. Call it after whatever changed around the code. */
  advance(code: Code): void {
    let isMoving = true;
    while (isMoving && !code.isGone && !code.isExpired) isMoving = this.#step(code);
    this.#setTimer(code);
  }

  /** The lock came into reach, or went out of it: what is under way starts over, or stands still. */
  reachChanged(code: Code): void {
    const { operation } = code;
    if (operation !== null) operation.doneAt = this.#doneAt(code, operation.lagMs, operation.hasNoSpace);
    this.advance(code);
  }

  /** Seam found that the lock no longer holds the code as it should, and sets it again a little later. */
  repair(code: Code): void {
    code.operation = null;
    code.isAnnounced = false;
    if (this.#wanted(code) === 'on') this.#begin(code, 'set', this.#o.timings.repairLagMs);
    this.advance(code);
  }

  #wanted(code: Code): 'on' | 'off' | 'gone' {
    const { now } = this.#o.timeline;
    if (code.deletingSince !== null) return 'gone';
    if (code.endsAt !== null && now >= code.endsAt) return 'gone';
    if (code.isLetGo) return 'off';
    return now >= programmingAt(code) ? 'on' : 'off';
  }

  /** One change, if one is due. */
  #step(code: Code): boolean {
    const wanted = this.#wanted(code);
    const { operation } = code;
    if (this.#watchStart(code)) return true;
    if (operation === null) return this.#decide(code, wanted);
    const isForLock = operation.kind === 'set' || operation.kind === 'change';
    if (isForLock ? wanted !== 'on' : operation.kind === 'remove' ? wanted === 'on' : wanted !== 'gone') {
      code.operation = null;
      return true;
    }
    if (this.#o.timeline.now >= operation.doneAt) {
      this.#complete(code, operation, wanted);
      return true;
    }
    return this.#complain(code, operation);
  }

  #decide(code: Code, wanted: 'on' | 'off' | 'gone'): boolean {
    const { settingLagMs, removingLagMs } = this.#o.timings;
    const entry = code.device.lock.entry(code.id);
    if (wanted === 'on') {
      if (entry === undefined) return this.#begin(code, 'set', settingLagMs);
      return isStale(code, entry) && this.#begin(code, 'change', settingLagMs);
    }
    if (entry !== undefined) return this.#begin(code, 'remove', removingLagMs);
    if (wanted === 'off') return false;
    if (code.deletingSince !== null) return this.#begin(code, 'forget', removingLagMs);
    // Its window passed without it: nothing is taken off a lock, so nothing tells.
    this.#finish(code, false);
    return true;
  }

  #begin(code: Code, kind: Operation['kind'], lagMs: number): true {
    code.operation = {
      kind,
      since: this.#o.timeline.now,
      lagMs,
      doneAt: kind === 'forget' ? this.#o.timeline.now + lagMs : this.#doneAt(code, lagMs, false),
      delayedAt: null,
      failedAt: null,
      hasNoSpace: false,
    };
    return true;
  }

  #doneAt(code: Code, lagMs: number, hasNoSpace: boolean): number {
    const isPossible = this.#o.isReachable(code) && !(hasNoSpace && isFull(code));
    return isPossible ? this.#o.timeline.now + lagMs : Number.POSITIVE_INFINITY;
  }

  #complete(code: Code, operation: Operation, wanted: 'on' | 'off' | 'gone'): void {
    const { writer, emit } = this.#o;
    if (operation.kind === 'set' && isFull(code)) {
      operation.doneAt = Number.POSITIVE_INFINITY;
      operation.hasNoSpace = true;
      code.device.waitingForSpace.add(code);
      operation.failedAt = this.#o.timeline.now;
      emit(writer.trouble(code, 'access_code.failed_to_set_on_device'));
      return;
    }
    code.operation = null;
    if (operation.kind === 'set') this.#completeSet(code);
    else if (operation.kind === 'change') this.#completeChange(code);
    else {
      if (operation.kind === 'remove') this.#takeOff(code);
      if (wanted === 'gone') this.#finish(code, operation.kind === 'remove');
      // Moved to a later window: it will be programmed again.
      else emit(writer.bare(code, 'access_code.removed_from_device'));
    }
  }

  #completeSet(code: Code): void {
    const { writer, emit, timeline } = this.#o;
    code.device.lock.write(entryOf(code), timeline.now);
    code.missedStartAt = null;
    code.externalChange = null;
    code.changes = [];
    const isAhead = code.device.isNative && code.startsAt !== null && timeline.now < code.startsAt;
    code.isAnnounced = !isAhead;
    emit(writer.onDevice(code, isAhead ? 'access_code.scheduled_on_device' : 'access_code.set_on_device'));
  }

  #completeChange(code: Code): void {
    const { writer, emit, timeline } = this.#o;
    code.device.lock.write(entryOf(code), timeline.now);
    const { changes } = code;
    code.changes = [];
    code.externalChange = null;
    if (code.device.isNative && code.startsAt !== null && timeline.now < code.startsAt) code.isAnnounced = false;
    for (const change of changes) emit(writer.applied(code, change));
    if (changes.length > 0) emit(writer.changed(code, changes));
  }

  #takeOff(code: Code): void {
    code.device.lock.erase(code.id, this.#o.timeline.now);
    code.isAnnounced = false;
    // A place became free for a code that found the lock full.
    for (const other of [...code.device.waitingForSpace]) {
      code.device.waitingForSpace.delete(other);
      if (other.operation?.hasNoSpace === true) this.reachChanged(other);
    }
  }

  #finish(code: Code, wasOnLock: boolean): void {
    const { writer, switches, forget, emit } = this.#o;
    const { keepsObject, events } = endingOf(code, wasOnLock, switches, writer);
    code.operation = null;
    forget(code, keepsObject);
    for (const event of events) emit(event);
  }

  /** A lock with native scheduling lets a loaded code in at its start; a code that is not there then has missed it. */
  #watchStart(code: Code): boolean {
    const { now } = this.#o.timeline;
    if (code.startsAt === null || now < code.startsAt || this.#wanted(code) === 'gone') return false;
    if (isOnLock(code)) {
      if (code.isAnnounced) return false;
      code.isAnnounced = true;
      this.#o.emit(this.#o.writer.onDevice(code, 'access_code.set_on_device'));
      return true;
    }
    if (code.missedStartAt !== null || code.createdAt >= code.startsAt || code.isLetGo) return false;
    code.missedStartAt = now;
    return true;
  }

  #complain(code: Code, operation: Operation): boolean {
    const { timeline, timings, writer, emit } = this.#o;
    const waited = timeline.now - operation.since;
    const isStuck = operation.doneAt === Number.POSITIVE_INFINITY;
    if (!isStuck) return false;
    const tells = operation.kind === 'set' || operation.kind === 'remove';
    const word = operation.kind === 'remove' ? 'removing_from' : 'setting_on';
    if (operation.delayedAt === null && waited >= timings.delayAfterMs) {
      operation.delayedAt = timeline.now;
      if (tells) emit(writer.trouble(code, `access_code.delay_in_${word}_device`));
      return true;
    }
    if (operation.failedAt === null && waited >= timings.failAfterMs) {
      operation.failedAt = timeline.now;
      const verb = operation.kind === 'remove' ? 'remove_from' : 'set_on';
      if (tells) emit(writer.trouble(code, `access_code.failed_to_${verb}_device`));
      return true;
    }
    return false;
  }

  #setTimer(code: Code): void {
    const { timeline, timings } = this.#o;
    const { operation } = code;
    const instants: (number | null)[] = [];
    if (!code.isGone && !code.isExpired && code.isManaged) {
      if (code.startsAt !== null) instants.push(programmingAt(code), code.startsAt);
      instants.push(code.endsAt);
      if (operation !== null) {
        instants.push(operation.doneAt);
        const isStuck = operation.doneAt === Number.POSITIVE_INFINITY;
        if (isStuck && operation.delayedAt === null) instants.push(operation.since + timings.delayAfterMs);
        if (isStuck && operation.failedAt === null) instants.push(operation.since + timings.failAfterMs);
      }
    }
    const coming = instants.filter((at) => at !== null && at > timeline.now && at !== Number.POSITIVE_INFINITY);
    const next = coming.length === 0 ? null : Math.min(...coming.map(Number));
    if (next !== null && code.timer?.at === next && !code.timer.cancelled) return;
    timeline.cancel(code.timer);
    code.timer = next === null ? null : timeline.schedule(next, () => this.advance(code));
  }
}

const entryOf = (code: Code): Entry => ({
  accessCodeId: code.id,
  name: code.name,
  pin: code.pin,
  startsAt: code.startsAt,
  endsAt: code.endsAt,
});

const isStale = (code: Code, entry: Entry): boolean =>
  entry.pin !== code.pin ||
  entry.name !== code.name ||
  entry.startsAt !== code.startsAt ||
  entry.endsAt !== code.endsAt;

const isFull = (code: Code): boolean =>
  !isOnLock(code) && code.device.lock.size >= (code.device.spec.max_active_codes ?? Number.POSITIVE_INFINITY);
