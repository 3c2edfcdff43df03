import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AccessCode, SeamEvent, UnmanagedAccessCode } from 'seam';
import { renderCode, renderUnmanaged } from './access-code-view.ts';
import {
  addForeignCode,
  DeviceControl,
  deleteByHand,
  type ForeignCode,
  modifyAtLock,
  removeAtLock,
} from './by-hand.ts';
import { Clock } from './clock.ts';
import { addControlRoutes } from './control.ts';
import { Deliveries, type Delivery } from './deliver.ts';
import type { DeviceSpec } from './device.ts';
import { Faults } from './faults.ts';
import { RateLimiter } from './limits.ts';
import type { Interval } from './lock.ts';
import { idsFrom, limitsFrom, type SimulatorOptions, type WebhookTarget } from './options.ts';
import { type ApiRequest, listen } from './server.ts';
import { State } from './state.ts';
import { defaultSwitches, type Switches } from './switches.ts';
import { Timeline } from './timeline.ts';
import { defaultTimings } from './timings.ts';

/** A Seam of one's own: an HTTP server for the real SDK, with a clock that can be moved. */
export class Simulator implements AsyncDisposable {
  readonly apiKey: string;
  readonly switches: Switches;
  readonly faults: Faults;
  /** Every API call received, oldest first. It holds PINs: do not print it. */
  readonly requests: ApiRequest[] = [];
  endpoint = '';
  readonly #timeline: Timeline;
  readonly #state: State;
  readonly #deliveries: Deliveries;
  readonly #clock: Clock;
  #server: Server | undefined;
  #primaryWebhookId: string | undefined;
  readonly #newId: () => string;

  constructor(options: SimulatorOptions) {
    const { now, random = Math.random } = options;
    this.apiKey = options.apiKey ?? 'seam_test_simulator';
    this.switches = { ...defaultSwitches, ...options.switches };
    this.faults = new Faults(random);
    this.#timeline = new Timeline((now ?? new Date()).getTime());
    this.#clock = new Clock(this.#timeline, now === undefined);
    this.#newId = idsFrom(options.random);
    this.#deliveries = new Deliveries({
      timeline: this.#timeline,
      faults: this.faults,
      timeoutMs: options.deliveryTimeoutMs ?? 15_000,
      sendsEachEventTwice: this.switches.oneEventManySvixIds,
    });
    this.#state = new State({
      timeline: this.#timeline,
      switches: this.switches,
      timings: { ...defaultTimings, ...options.timings },
      random,
      newId: this.#newId,
      anyDevice: options.anyDevice ?? false,
      onEvent: (event) => this.#deliveries.publish(event),
    });
    for (const spec of options.devices ?? []) this.addDevice(spec);
    if (options.webhook !== undefined) this.setWebhook(options.webhook);
  }

  async listen(options: SimulatorOptions): Promise<void> {
    const { limits = {}, random = Math.random, host = '127.0.0.1' } = options;
    const limiter = new RateLimiter(limitsFrom(limits), this.switches.retryAfterOn429);
    const [state, deliveries, newId] = [this.#state, this.#deliveries, this.#newId];
    const { server, port } = await listen(
      {
        context: { state, deliveries, limiter, random, newId },
        apiKey: this.apiKey,
        faults: this.faults,
        timeline: this.#timeline,
        catchUp: () => this.#clock.catchUp(),
        requests: this.requests,
        control: (app) => addControlRoutes(app, this),
      },
      host,
      options.port ?? 0,
    );
    this.#server = server;
    this.endpoint = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
    this.#clock.start();
  }

  /** Virtual time. */
  now(): Date {
    this.#clock.catchUp();
    return new Date(this.#timeline.now);
  }

  /**
   * Moves virtual time on. Everything on the way happens at its own instant, and what is sent at an instant is answered
   * before time moves further, so that the receiver sees the world as it is then.
   */
  async advanceTo(at: Date): Promise<void> {
    await this.#clock.advance(at.getTime(), () => this.#deliveries.idle());
  }

  async advanceBy(ms: number): Promise<void> {
    await this.advanceTo(new Date(this.now().getTime() + ms));
  }

  /** The earliest coming instant at which something happens by itself: a step of a code's life, a retry, a late commit. */
  nextTransitionAt(): Date | null {
    const next = this.#timeline.nextAt();
    return next === null ? null : new Date(next);
  }

  /** Resolves when no delivery is on its way. Retries wait for virtual time: see `pendingDeliveries`. */
  idle(): Promise<void> {
    return this.#deliveries.idle();
  }

  /** Deliveries on their way, waiting for a retry, or held back. */
  get pendingDeliveries(): number {
    return this.#deliveries.pending;
  }

  /** Every delivery attempted, oldest first. */
  get deliveries(): readonly Delivery[] {
    return this.#deliveries.attempts;
  }

  /** Every event that Seam still keeps, oldest first. */
  get events(): readonly SeamEvent[] {
    return this.#state.log.all(this.#timeline.now);
  }

  /** Sends events to this address only, until webhooks are made through the API. */
  setWebhook(target: WebhookTarget): void {
    this.#primaryWebhookId ??= this.#newId();
    const { url, secret, event_types = ['*'] } = target;
    const webhook_id = this.#primaryWebhookId;
    const { endpoints } = this.#deliveries;
    // In place: what waits to be sent again goes to the address of then.
    endpoints.set(webhook_id, Object.assign(endpoints.get(webhook_id) ?? { webhook_id }, { url, secret, event_types }));
  }

  /** Sends an event once more under its old `svix-id`, as an operator does in the portal. */
  resend(eventId: string): void {
    const event = this.#state.log.find(eventId, this.#timeline.now);
    if (event === undefined) throw new Error(`no event has the id ${eventId}`);
    this.#deliveries.resend(event);
  }

  /** Sends any event, such as one of a type or with ids that the workspace does not know. */
  emit(event: SeamEvent): void {
    this.#state.emit(event);
  }

  /** Sends what a `reorder` fault still holds back. */
  releaseHeld(): void {
    this.#deliveries.release();
  }

  addDevice(spec: DeviceSpec): DeviceControl {
    return new DeviceControl(this.#state, this.#state.addDevice(spec));
  }

  device(deviceId: string): DeviceControl {
    const device = this.#state.devices.get(deviceId) ?? this.#state.device(deviceId);
    return new DeviceControl(this.#state, device);
  }

  get deviceIds(): string[] {
    return [...this.#state.devices.keys()];
  }

  /** The connected account of every device loses its connection, or gets it back. */
  setAccountConnected(isConnected: boolean): void {
    this.#state.setAccountConnected(isConnected);
  }

  /** The managed codes as the API would return them. */
  codes(filter: { device_id?: string } = {}): AccessCode[] {
    return this.#codes(true, filter.device_id).map((code) => renderCode(code, this.#state.place));
  }

  unmanagedCodes(filter: { device_id?: string } = {}): UnmanagedAccessCode[] {
    return this.#codes(false, filter.device_id).map((code) => renderUnmanaged(code, this.#state.place));
  }

  /** When which PIN really opened a door (every door without an id), whatever the API says. */
  intervals(deviceId?: string): Interval[] {
    this.#clock.catchUp();
    return [...this.#state.devices.values()]
      .filter(({ id }) => deviceId === undefined || id === deviceId)
      .flatMap(({ id, lock }) => lock.intervals(id, this.#timeline.now));
  }

  /** Puts a code on a device that the service under test did not make; returns its id. */
  addForeignCode(code: ForeignCode): string {
    return addForeignCode(this.#state, code);
  }

  /** Somebody deletes a code in Seam's console. */
  deleteByHand(accessCodeId: string): void {
    deleteByHand(this.#state, accessCodeId);
  }

  /** Somebody takes a code off in the lock's own app. */
  removeAtLock(accessCodeId: string): void {
    removeAtLock(this.#state, accessCodeId, this.switches.removedEventOnExternalRemoval);
  }

  /** Somebody changes a code's PIN in the lock's own app. */
  modifyAtLock(accessCodeId: string, code: string): void {
    modifyAtLock(this.#state, accessCodeId, code);
  }

  async close(): Promise<void> {
    this.#clock.stop();
    this.#deliveries.close();
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #codes(isManaged: boolean, deviceId: string | undefined) {
    this.#clock.catchUp();
    const all = deviceId === undefined ? this.#state.codes.values() : (this.#state.devices.get(deviceId)?.codes ?? []);
    return [...all].filter((code) => code.isManaged === isManaged);
  }
}

/** Starts a simulator on a free port of this machine. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  await simulator.listen(options);
  return simulator;
}
