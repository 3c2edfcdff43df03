// Bad times and good ones: in bad times calls fail, processes die, deliveries go astray, locks and Seam are away for hours. Between
// them nothing goes wrong for long enough that everything has to come right again.

import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Chance } from './chance.ts';
import type { FaultClock } from './fault-clock.ts';
import type { Tasks } from './tasks.ts';
import type { Trace } from './trace.ts';

export interface WeatherWorld {
  readonly simulator: Simulator;
  readonly chance: Chance;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly tasks: Tasks;
  readonly deviceIds: readonly string[];
  readonly poisonDoor: () => void;
  /** Bad times begin. */
  readonly onBad: () => void;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** The last hours of a history are good ones. */
const lastCalmMs = 6 * hourMs;

// Some places are seldom hit.
const climates = [1, 3, 5] as const;

const storms = { none: 4, offline: 4, outage: 3, key: 1, account: 1, gone: 2, poison: 1 } as const;

/** What storms count as, but for the poisoned jobs. */
export const stormFaults = ['door.offline', 'door.gone', 'seam.outage', 'seam.key', 'seam.account'] as const;

export class Weather {
  readonly #w: WeatherWorld;
  readonly #until: number;
  readonly #calmness: number;
  isBad = false;

  constructor(world: WeatherWorld, until: number) {
    this.#w = world;
    this.#until = until - lastCalmMs;
    this.#calmness = world.chance.pick(climates);
  }

  start(): void {
    const { chance, tasks } = this.#w;
    tasks.in(chance.between(10, 240) * minuteMs, () => this.#turnBad());
  }

  /** How likely a single call to Seam goes wrong. */
  get callRate(): number {
    return this.isBad ? 0.15 : 0;
  }

  /** How likely a process dies, or loses the database, at one point. */
  get rates(): { crash: number; loss: number } {
    return this.isBad ? { crash: 0.004, loss: 0.002 } : { crash: 0, loss: 0 };
  }

  #turnBad(): void {
    const { chance, tasks, trace, simulator } = this.#w;
    const now = simulator.now().getTime();
    const lengthMs = Math.min(chance.between(20, 180) * minuteMs, this.#until - now);
    if (lengthMs <= 0) return;
    this.isBad = true;
    trace.add('bad times begin');
    this.#w.onBad();
    const count = chance.between(0, 2);
    for (let index = 0; index < count; index += 1) {
      const from = chance.between(0, lengthMs);
      tasks.in(from, () => this.#storm(chance.between(minuteMs, lengthMs - from + minuteMs)));
    }
    tasks.in(lengthMs, () => {
      this.isBad = false;
      trace.add('good times begin');
      tasks.in(chance.between(90, 720) * this.#calmness * minuteMs, () => this.#turnBad());
    });
  }

  #storm(lengthMs: number): void {
    const { chance, simulator, deviceIds } = this.#w;
    const deviceId = chance.pick(deviceIds) ?? '';
    const kind = chance.weighted(storms);
    if (kind === 'poison') this.#w.poisonDoor();
    if (kind === 'none' || kind === 'poison') return;
    const device = simulator.device(deviceId);
    const effects: Record<typeof kind, Effect> = {
      offline: {
        name: `door.offline ${deviceId}`,
        deviceId,
        begin: () => device.goOffline(),
        end: () => device.goOnline(),
      },
      gone: { name: `door.gone ${deviceId}`, deviceId, begin: () => device.remove(), end: () => device.comeBack() },
      outage: { name: 'seam.outage' },
      key: { name: 'seam.key' },
      account: {
        name: 'seam.account',
        begin: () => simulator.setAccountConnected(false),
        end: () => simulator.setAccountConnected(true),
      },
    };
    this.#last(effects[kind], lengthMs);
  }

  #last({ name, deviceId, begin, end }: Effect, lengthMs: number): void {
    const { faults, trace, tasks } = this.#w;
    if (faults.isOn(name)) return;
    faults.begin(name, deviceId);
    trace.add(`${name} begins`);
    begin?.();
    tasks.in(lengthMs, () => {
      end?.();
      faults.end(name);
      trace.add(`${name} is over`);
    });
  }
}

/** A trouble that lasts, and what it does to the simulator. */
interface Effect {
  readonly name: string;
  /** The device that alone it concerns. */
  readonly deviceId?: string;
  readonly begin?: () => void;
  readonly end?: () => void;
}
