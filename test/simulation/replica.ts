// One process of the service: its own clock, its own connection to the database, its own death.

import type { Tool } from '../../src/deps.ts';
import type { FlowDeps } from '../../src/flows/flow-deps.ts';
import { gateSeam } from '../../src/flows/gate-seam.ts';
import type { DeadLetterDeps } from '../../src/flows/set-aside.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { quietTelemetry } from '../../src/telemetry/telemetry.ts';
import type { Chance } from './chance.ts';
import { CrashPoints } from './crash-points.ts';
import type { Door } from './doors.ts';
import { idFrom } from './drawn-ids.ts';
import { type FaultyDatabase, faultyDatabase } from './faulty-database.ts';
import { faultySeam, type SeamWorld } from './faulty-seam.ts';
import type { Fiber } from './fiber.ts';
import type { ReadCache } from './read-cache.ts';
import type { StrikeCount } from './strikes.ts';

export const markerPrefix = 'S7M';
export interface ReplicaOptions {
  readonly name: string;
  readonly skewMs: number;
  readonly tool: Tool;
  readonly cache: ReadCache;
  readonly seam: SeamWorld;
  readonly chance: Chance;
  readonly settleMs: number;
  readonly ladderMs: readonly number[];
  readonly strikes: StrikeCount;
  readonly rates: () => { crash: number; loss: number };
  /** How long the database stays away is the world's business. */
  readonly onLoss: () => void;
  /** Which door a log line is about, by ids of the database. */
  readonly doorOfIds: (scheduleId: string, deviceId: string) => Door | undefined;
}

export class Replica {
  readonly name: string;
  readonly fibers = new Set<Fiber>();
  /** Pumps go by ticks: not before these instants. */
  dueTickAt = 0;
  inboxTickAt = 0;
  deadTickAt = 0;
  reconcileAt = 0;
  readonly points: CrashPoints;
  readonly db: FaultyDatabase;
  /** What its jobs are given. */
  deps: FlowDeps & DeadLetterDeps;
  readonly #o: ReplicaOptions;

  constructor(options: ReplicaOptions) {
    const { name, tool, seam, chance, skewMs, settleMs, ladderMs, onLoss } = options;
    this.#o = options;
    this.name = name;
    this.points = new CrashPoints(chance.fork(), options.rates, options.strikes, (fate, where) => {
      seam.trace.add(`${name}: ${fate} ${where}`);
      seam.faults.strike(fate.startsWith('crash') ? 'process.crash' : 'database.lost', undefined);
      if (fate.startsWith('lost')) onLoss();
    });
    const [drawn, ids] = [chance.fork(), chance.fork()];
    this.db = faultyDatabase(tool.db, this.points, options.cache, () => idFrom(ids));
    const parts = {
      db: this.db,
      queue: tool.queue,
      vault: tool.vault,
      now: () => new Date(seam.simulator.now().getTime() + skewMs),
      random: (below: number) => drawn.below(below),
      log: createLog({ level: 'info', destination: { write: (line: string) => this.#tell(line) } }),
      telemetry: quietTelemetry,
      mode: 'active',
      settleMs,
      ladderMs,
      markerPrefix,
      // The installation is new.
      comparedDevices: null,
    } as const;
    this.deps = { ...parts, seam: gateSeam(faultySeam(seam, this.points), parts) };
  }

  /** A new process in the place of a dead one: what it had seen of Seam is forgotten. */
  begin(): void {
    this.points.isDead = false;
    const parts = { ...this.deps, comparedDevices: new Set<string>() };
    this.deps = { ...parts, seam: gateSeam(faultySeam(this.#o.seam, this.points), parts) };
  }

  get skewMs(): number {
    return this.#o.skewMs;
  }

  get isAlive(): boolean {
    return !this.points.isDead;
  }

  #tell(line: string): void {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const { message, event, schedule_id: scheduleId, device_id: deviceId } = entry;
    // Nothing but faults of the simulation's own is an excuse: a pause without them is none.
    if (event === 'seam.paused') this.#o.seam.faults.spreadLastCall();
    if (typeof message !== 'string') return;
    const isAboutDoor = typeof scheduleId === 'string' && typeof deviceId === 'string';
    const door = isAboutDoor ? this.#o.doorOfIds(scheduleId, deviceId) : undefined;
    this.#o.seam.trace.add(`${this.name}: ${message}`, door ?? (isAboutDoor ? '?' : undefined));
  }
}
