// The replicas at work: the pumps' passes, the jobs of the queue and the reconciler, one step at a time, as the scheduler says.
import { dueDoors } from '../../src/db/doors-to-plan.ts';
import { InboxUnavailable } from '../../src/db/inbox.ts';
import { queueDueEvents } from '../../src/db/inbox-jobs.ts';
import { tryAtOnce } from '../../src/flows/gate-seam.ts';
import { handleEvent } from '../../src/flows/handle-event.ts';
import { planDoor } from '../../src/flows/plan-door.ts';
import { reconcile } from '../../src/flows/reconcile.ts';
import { setDeadJobsAside } from '../../src/flows/set-aside.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import { type Door, doorOf } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import { atWork } from './faulty-seam.ts';
import { Fiber } from './fiber.ts';
import type { Due, Job, Jobs } from './jobs.ts';
import { Poison } from './poison.ts';
import type { Replica } from './replica.ts';
import type { Tasks } from './tasks.ts';
import { type Trace, Violation } from './trace.ts';

const secondMs = 1_000;
const fibersMax = 4;
const batch = 200;
// Passes are cut short by the number of calls only: how long they take in real time says nothing.
const passLimits = { seamCalls: 1_000, durationMs: Number.POSITIVE_INFINITY };
export const everyDoor = doorOf('reconciler', 'every door');
// 10 s of heartbeat, and up to 5 until somebody notices.
const heartbeatMs = 12 * secondMs;
const tickMs = 250;
const deadTickMs = secondMs;
const restartMs = 5 * secondMs;
// A pass over a healthy fleet writes nothing: in good times most are left out.
const idleReconcileMs = 24 * 3_600 * secondMs;

export interface StaffWorld {
  readonly replicas: readonly Replica[];
  /** Processes that do what people want of them, and work at no queue. */
  readonly desks: readonly Replica[];
  readonly jobs: Jobs;
  readonly chance: Chance;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly tasks: Tasks;
  readonly now: () => number;
  readonly isDatabaseDown: () => boolean;
  /** The reconciler's interval. */
  readonly reconcileMs: number;
  /** Why a job fails however often it is tried; null for those that do not. */
  readonly poisonOf: (job: Job) => Error | null;
  /** Looks at a plan job that ran to its end. */
  readonly onPlanned: (door: Door, startedAt: number) => Promise<void>;
}

export class Staff {
  readonly #w: StaffWorld;
  /** Something that must never be, seen inside a job. */
  violation: Violation | undefined;

  constructor(world: StaffWorld) {
    this.#w = world;
  }

  get alive(): Replica[] {
    return this.#w.isDatabaseDown() ? [] : this.#w.replicas.filter(({ isAlive }) => isAlive);
  }

  get #hands(): Replica[] {
    return this.alive.filter(({ fibers }) => fibers.size < fibersMax);
  }

  get fibers(): Fiber[] {
    return this.#all.flatMap(({ fibers }) => [...fibers]);
  }

  get #all(): Replica[] {
    return [...this.#w.replicas, ...this.#w.desks];
  }

  /** When a pump would next find what is due at these instants; past ones mean: now. */
  pumpAt(due: Due): number | null {
    const instants = this.alive.flatMap((replica) => [
      ...(due.rowAt === null ? [] : [Math.max(due.rowAt - replica.skewMs, replica.dueTickAt)]),
      ...(due.inboxAt === null ? [] : [Math.max(due.inboxAt, replica.inboxTickAt)]),
      ...(due.hasDead ? [replica.deadTickAt] : []),
    ]);
    return instants.length === 0 ? null : Math.min(...instants);
  }

  /** Passes of pumps that find something now. */
  passes({ rowAt, inboxAt, hasDead }: Due): (() => Promise<void>)[] {
    const now = this.#w.now();
    return this.alive.flatMap((replica) => {
      const steps: (() => Promise<void>)[] = [];
      if (rowAt !== null && rowAt - replica.skewMs <= now && replica.dueTickAt <= now) {
        steps.push(() => this.#dueRowPass(replica));
      }
      if (inboxAt !== null && inboxAt <= now && replica.inboxTickAt <= now) steps.push(() => this.#inboxPass(replica));
      if (hasDead && replica.deadTickAt <= now) steps.push(() => this.#deadPass(replica));
      return steps;
    });
  }

  /** The next passes of the reconciler. */
  reconcileAt(): number {
    return Math.min(...this.alive.map(({ reconcileAt }) => reconcileAt));
  }

  reconciles(): (() => Promise<void>)[] {
    const due = this.alive.filter(({ reconcileAt }) => reconcileAt <= this.#w.now());
    return due.map((replica) => () => this.#reconcilePass(replica));
  }

  /** Jobs that some replica has a hand free for. */
  starts(jobs: readonly Job[]): (() => Promise<void>)[] {
    if (this.#hands.length === 0) return [];
    const labels = new Set<string>();
    return jobs.flatMap((job) => {
      if (job.queue === 'plan' && labels.has(job.label)) return [];
      labels.add(job.label);
      return [() => this.#start(job)];
    });
  }

  /** Fibers that may go on now. */
  resumes(): (() => Promise<void>)[] {
    const now = this.#w.now();
    return this.fibers.filter(({ wakeAt }) => wakeAt <= now).map((fiber) => () => this.#run(fiber));
  }

  /** Whatever is under way ends where it is: what it holds of the database is given back. */
  async stop(): Promise<void> {
    for (const { points, fibers, db } of this.#all) {
      points.isDead = true;
      for (const fiber of [...fibers]) await fiber.kill(new Crash('the history is over'));
      await db.breakConnections();
    }
  }

  /** After a step: nothing is under way, and who died in it is buried. */
  async settle(): Promise<void> {
    for (const { points } of this.#w.desks) await points.settle();
    for (const replica of this.#w.replicas) {
      await replica.points.settle();
      if (!replica.isAlive && !this.#w.faults.isOn(`process.dead ${replica.name}`)) await this.#bury(replica);
    }
  }

  /** A process is dead: what it was doing stops where it is, and it is started again some time later. */
  async #bury(replica: Replica): Promise<void> {
    const { trace, tasks, chance, faults } = this.#w;
    for (const fiber of [...replica.fibers]) await fiber.kill(new Crash('the process is dead'));
    const awayMs = chance.between(1, 240) * secondMs;
    trace.add(`${replica.name} is dead for ${awayMs / secondMs} s`);
    const name = `process.dead ${replica.name}`;
    faults.begin(name);
    tasks.in(awayMs, () => this.#startReplica(replica));
  }

  /** As a start of the service: where it fails, somebody starts it again. */
  async #startReplica(replica: Replica): Promise<void> {
    const { trace, tasks, faults, now, isDatabaseDown } = this.#w;
    const again = (): void => tasks.in(restartMs, () => this.#startReplica(replica));
    if (isDatabaseDown()) return again();
    replica.begin();
    try {
      await tryAtOnce(replica.deps);
    } catch (error) {
      this.#judge(error, `${replica.name}: start`);
      replica.points.isDead = true;
      return again();
    }
    faults.end(`process.dead ${replica.name}`);
    replica.reconcileAt = now();
    trace.add(`${replica.name} starts`);
  }

  async #dueRowPass(replica: Replica): Promise<void> {
    const { deps } = replica;
    replica.dueTickAt = this.#w.now() + tickMs;
    await this.#attempt(replica, 'due-row pump', () =>
      deps.db.prisma.$transaction(async (tx) => {
        await deps.queue.sendPlans(tx, await dueDoors(tx, deps.now(), batch));
      }),
    );
  }

  async #inboxPass(replica: Replica): Promise<void> {
    const { deps } = replica;
    replica.inboxTickAt = this.#w.now() + tickMs;
    await this.#attempt(replica, 'inbox pump', () => queueDueEvents(deps.db, deps.queue, batch));
  }

  async #deadPass(replica: Replica): Promise<void> {
    replica.deadTickAt = this.#w.now() + deadTickMs;
    await this.#attempt(replica, 'dead letters', () => setDeadJobsAside(replica.deps));
  }

  async #reconcilePass(replica: Replica): Promise<void> {
    if (!replica.isAlive || this.#w.isDatabaseDown()) return;
    replica.reconcileAt = Number.POSITIVE_INFINITY;
    const fiber: Fiber = new Fiber('reconcile', (self) =>
      atWork.run({ fiber: self, door: everyDoor }, () => this.#reconcile(replica, self)),
    );
    replica.fibers.add(fiber);
    await this.#run(fiber);
  }

  async #reconcile(replica: Replica, fiber: Fiber): Promise<void> {
    const { now, faults, chance, trace, reconcileMs } = this.#w;
    try {
      const report = await reconcile(replica.deps, { limits: passLimits, tzdataVersion: 'simulated' });
      const found = report === null ? null : report.events.missing + report.repairs.length + report.woken;
      if (found !== 0)
        trace.add(`${replica.name} reconciles: ${found === null ? 'another is at it' : `${found} found`}`);
    } catch (error) {
      await replica.db.breakConnections();
      this.#judge(error, `${replica.name}: reconciler`);
    } finally {
      replica.fibers.delete(fiber);
      const isQuiet = now() - faults.calmSince > reconcileMs;
      replica.reconcileAt = now() + (isQuiet ? idleReconcileMs : reconcileMs) + chance.below(secondMs);
    }
  }

  /** Something went wrong: the reconciler is not to be asleep. */
  wakeReconcilers(): void {
    const { replicas, now, reconcileMs } = this.#w;
    for (const replica of replicas) {
      if (Number.isFinite(replica.reconcileAt))
        replica.reconcileAt = Math.min(replica.reconcileAt, now() + reconcileMs);
    }
  }

  /** What a person wants of a process: it waits where it calls Seam, and others work meanwhile. */
  async errand(desk: Replica, what: string, door: Door, run: () => Promise<void>): Promise<void> {
    const body = async (): Promise<void> => {
      try {
        await run();
      } catch (error) {
        this.#judge(error, `${desk.name}: ${what}`, door);
      }
    };
    const fiber: Fiber = new Fiber(what, (self) =>
      atWork.run({ fiber: self, door }, body).finally(() => desk.fibers.delete(self)),
    );
    desk.fibers.add(fiber);
    await this.#run(fiber);
  }

  /** What a process does beside its jobs. It tries again at its next tick if the database went away. */
  async #attempt(replica: Replica, what: string, run: () => Promise<unknown>): Promise<void> {
    if (!replica.isAlive || this.#w.isDatabaseDown()) return;
    try {
      await run();
    } catch (error) {
      this.#judge(error, `${replica.name}: ${what}`);
    }
  }

  async #start(job: Job): Promise<void> {
    const replica = this.#w.chance.pick(this.#hands);
    if (replica === undefined) return;
    await this.#w.jobs.take(job);
    const door = doorOfJob(job);
    const fiber: Fiber = new Fiber(job.label, (self) =>
      atWork.run({ fiber: self, door }, () => this.#work(replica, self, job, door)),
    );
    replica.fibers.add(fiber);
    await this.#run(fiber);
  }

  async #run(fiber: Fiber): Promise<void> {
    if (fiber.isDone) return;
    await fiber.run();
  }

  async #work(replica: Replica, fiber: Fiber, job: Job, door: Door): Promise<void> {
    const { jobs, trace, now, onPlanned, poisonOf } = this.#w;
    const { deps } = replica;
    const startedAt = now();
    const isPlan = job.queue === 'plan';
    if (isPlan) trace.add(`${replica.name} plans`, door);
    try {
      const poison = poisonOf(job);
      if (poison !== null) throw poison;
      if (isPlan) await planDoor(deps, { scheduleId: job.data.scheduleId ?? '', deviceId: job.data.deviceId ?? '' });
      else trace.add(`${replica.name} handles #${job.label.slice(0, 4)}: ${await handleEvent(deps, job.label)}`);
      if (replica.points.isDead) throw new Crash('the process is dead');
      if (replica.points.isDatabaseDown) throw new DatabaseLost('the end of the job');
      jobs.complete(job);
      if (isPlan) await onPlanned(door, startedAt);
    } catch (error) {
      this.#judge(error, `${replica.name}: ${job.queue} job ${job.label}`, isPlan ? door : undefined);
      const isCrash = error instanceof Crash;
      await jobs.giveBack(job, now() + (isCrash ? heartbeatMs : secondMs * 2 ** Math.min(8, job.retryCount)), error);
    } finally {
      replica.fibers.delete(fiber);
    }
  }

  /** Only what the simulation itself throws may be thrown: anything else is a bug of the service, or of this. */
  #judge(error: unknown, where: string, door?: Door): void {
    const cause = error instanceof InboxUnavailable ? error.cause : error;
    if (cause instanceof Crash || cause instanceof DatabaseLost || cause instanceof Poison) {
      this.#w.trace.add(`${where} ends: ${cause.name} ${cause.message}`, door);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.violation ??= error instanceof Violation ? error : new Violation('nothing throws', `${where}: ${text}`, door);
  }
}

function doorOfJob(job: Job): Door {
  const [key = '', deviceId = ''] = job.label.split('@');
  return job.queue === 'plan' ? doorOf(key, deviceId) : doorOf('event', job.label);
}
