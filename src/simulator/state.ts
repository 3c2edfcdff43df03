import type { SeamEvent } from 'seam';
import type { Code, Frame } from './access-code.ts';
import {
  assertPinIsFree,
  type CodeChange,
  type CodeRequest,
  claimPin,
  differences,
  releasePin,
} from './code-change.ts';
import {
  assertNameFits,
  assertPinFits,
  assertStartFits,
  choosePin,
  createDevice,
  type DeviceSpec,
  type Place,
  type SimulatedDevice,
} from './device.ts';
import { EventLog } from './event-log.ts';
import { EventWriter } from './events.ts';
import { ApiFailure, invalidInput, notFound } from './failure.ts';
import { LifeCycle } from './life-cycle.ts';
import type { Switches } from './switches.ts';
import type { Timeline } from './timeline.ts';
import type { Timings } from './timings.ts';

export interface StateOptions {
  readonly timeline: Timeline;
  readonly switches: Switches;
  readonly timings: Timings;
  readonly random: () => number;
  readonly newId: () => string;
  readonly anyDevice: boolean;
  readonly onEvent: (event: SeamEvent) => void;
}

/** Seam's objects in memory, and the rules for making, changing and ending them. */
export class State {
  readonly devices = new Map<string, SimulatedDevice>();
  readonly codes = new Map<string, Code>();
  readonly log: EventLog;
  readonly writer: EventWriter;
  readonly lifeCycle: LifeCycle;
  readonly #o: StateOptions;
  readonly #workspaceId: string;
  readonly #connectedAccountId: string;
  #isAccountConnected = true;
  #order = 0;

  constructor(options: StateOptions) {
    this.#o = options;
    this.#workspaceId = options.newId();
    this.#connectedAccountId = options.newId();
    this.log = new EventLog(options.switches);
    this.writer = new EventWriter({ newId: options.newId, place: () => this.place, now: () => this.now });
    this.lifeCycle = new LifeCycle({
      timeline: options.timeline,
      timings: options.timings,
      switches: options.switches,
      writer: this.writer,
      emit: (event) => this.emit(event),
      forget: (code, keepsObject) => this.#forget(code, keepsObject),
      isReachable: ({ device }) => device.isOnline && !device.isRemoved && this.#isAccountConnected,
    });
  }

  get now(): number {
    return this.#o.timeline.now;
  }

  get place(): Place {
    return {
      workspaceId: this.#workspaceId,
      connectedAccountId: this.#connectedAccountId,
      isAccountConnected: this.#isAccountConnected,
    };
  }

  /** Whether every id names a device. */
  get hasAnyDevice(): boolean {
    return this.#o.anyDevice;
  }

  get #mayBeDisjoint(): boolean {
    return this.#o.switches.samePinInDisjointWindows === 'allowed';
  }

  emit(event: SeamEvent): void {
    this.log.add(event, this.now);
    this.#o.onEvent(event);
  }

  addDevice(spec: DeviceSpec): SimulatedDevice {
    if (this.devices.has(spec.device_id)) throw new Error(`the device ${spec.device_id} is already there`);
    const device = createDevice(spec, this.now, this.#o.switches.justInTimeOpensFrom === 'programming');
    this.devices.set(device.id, device);
    return device;
  }

  /** A device that the API knows, or 404. */
  device(id: string): SimulatedDevice {
    const device = this.devices.get(id) ?? (this.#o.anyDevice ? this.addDevice({ device_id: id }) : undefined);
    if (device === undefined || device.isRemoved) throw notFound('device', id);
    return device;
  }

  /** A code that the API knows, or 404. */
  code(id: string, isManaged = true): Code {
    const code = this.codes.get(id);
    if (code === undefined || code.isManaged !== isManaged) throw notFound('access_code', id);
    return code;
  }

  createCode(request: CodeRequest): Code {
    const device = this.device(request.deviceId);
    if (device.spec.can_program_online_access_codes === false) {
      throw invalidInput('device_id', 'Device does not support online access codes');
    }
    this.#assertEndsInFuture(request);
    assertStartFits(device, request.startsAt, this.now);
    assertNameFits(device, request.name, null);
    if (request.pin !== undefined) {
      assertPinFits(device, request.pin);
      assertPinIsFree(device, request.pin, request, { self: null, mayBeDisjoint: this.#mayBeDisjoint });
    }
    const isFull = device.codes.size >= (device.spec.max_active_codes ?? Number.POSITIVE_INFINITY);
    if (isFull && this.#o.switches.fullLock === 'refused_at_create') {
      throw new ApiFailure(400, 'no_space_for_access_code_on_device', 'The device holds no more codes');
    }
    const pin = request.pin ?? choosePin(device, this.#o.random, request.preferredLength);
    const code = this.insertCode(device, { ...request, pin }, {});
    this.emit(this.writer.bare(code, 'access_code.created'));
    this.lifeCycle.advance(code);
    this.emit(
      this.writer.mutationsRequested(code, [
        { mutation_code: code.operation === null ? 'deferring_creation' : 'creating' },
      ]),
    );
    return code;
  }

  /** Puts a code in without asking whether it may be; the caller starts its life. */
  insertCode(
    device: SimulatedDevice,
    request: CodeRequest & { pin: string },
    { isManaged = true, isBackup = false }: { isManaged?: boolean; isBackup?: boolean },
  ): Code {
    const widensBy = request.endsAt === null ? 0 : (device.spec.widens_ends_at_by_ms ?? 0);
    const code: Code = {
      id: this.#o.newId(),
      order: this.#order++,
      device,
      isManaged,
      isBackup,
      createdAt: this.now,
      isExternalModificationAllowed: request.isExternalModificationAllowed ?? false,
      isWidened: widensBy > 0,
      name: request.name,
      pin: request.pin,
      startsAt: request.startsAt,
      endsAt: request.endsAt === null ? null : request.endsAt + widensBy,
      pulledBackupId: null,
      deletingSince: null,
      isExpired: false,
      isGone: false,
      isLetGo: false,
      isAnnounced: false,
      missedStartAt: null,
      externalChange: null,
      changes: [],
      operation: null,
      timer: null,
    };
    this.codes.set(code.id, code);
    device.codes.add(code);
    claimPin(code);
    return code;
  }

  updateCode(code: Code, change: CodeChange): void {
    const isOver = code.isExpired || (code.endsAt !== null && code.endsAt <= this.now);
    if (code.deletingSince !== null || (isOver && this.#o.switches.updateOfExpired === 'refused')) {
      throw invalidInput('access_code_id', 'Only active or upcoming access codes can be updated');
    }
    const frame = change.frame ?? { startsAt: code.startsAt, endsAt: code.endsAt };
    if (change.frame !== undefined || isOver) this.#assertEndsInFuture(frame);
    const pin = change.pin ?? code.pin;
    const name = change.name ?? code.name;
    if (change.name !== undefined) assertNameFits(code.device, name, code);
    if (change.pin !== undefined) assertPinFits(code.device, pin);
    assertPinIsFree(code.device, pin, frame, { self: code, mayBeDisjoint: this.#mayBeDisjoint });

    const changes = differences(code, { name, pin, frame }, this.now);
    if (changes.length === 0) return;
    releasePin(code);
    Object.assign(code, { name, pin, startsAt: frame.startsAt, endsAt: frame.endsAt, isExpired: false });
    claimPin(code);
    code.missedStartAt = null;
    this.emit(this.writer.mutationsRequested(code, changes));
    // What is not on the lock has nothing pending there: the change is done.
    if (code.device.lock.entry(code.id) === undefined) this.emit(this.writer.changed(code, changes));
    else code.changes.push(...changes);
    this.lifeCycle.advance(code);
  }

  /** Asks for a deletion, which ends when the lock has let go of the code. */
  deleteCode(code: Code): void {
    if (code.deletingSince !== null) return;
    code.deletingSince = this.now;
    code.isExpired = false;
    this.emit(this.writer.mutationsRequested(code, [{ mutation_code: 'deleting' }]));
    this.lifeCycle.advance(code);
  }

  /** Makes the account and all its devices known or unknown to Seam. */
  setAccountConnected(isConnected: boolean): void {
    if (this.#isAccountConnected === isConnected) return;
    this.#isAccountConnected = isConnected;
    this.emit(isConnected ? this.writer.accountConnected() : this.writer.accountDisconnected());
    for (const code of [...this.codes.values()]) if (code.isManaged) this.lifeCycle.reachChanged(code);
  }

  /** Takes a code away without a word. */
  drop(code: Code): void {
    this.#forget(code, false);
    this.lifeCycle.advance(code);
  }

  #forget(code: Code, keepsObject: boolean): void {
    if (keepsObject) {
      code.isExpired = true;
      if (!this.#o.switches.expiredCodeBlocksPin) releasePin(code);
      return;
    }
    code.isGone = true;
    this.codes.delete(code.id);
    code.device.codes.delete(code);
    code.device.waitingForSpace.delete(code);
    releasePin(code);
  }

  #assertEndsInFuture({ endsAt }: Frame): void {
    if (endsAt === null || endsAt > this.now) return;
    const message = 'ends_at must be in the future';
    throw new ApiFailure(400, this.#o.switches.pastEndsAtError, message, { fields: { ends_at: message } });
  }
}
