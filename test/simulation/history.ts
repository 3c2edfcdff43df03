// One history: a few days of a few schedules, from one seed. One event loop moves the one clock that the service, the database and
// Seam share, and picks by chance what comes next among what may come now.
import { createSeamApi, type SeamApi } from '../../src/seam/api.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { switchSettings } from '../../src/simulator/switches.ts';
import { Adopter } from './adopter.ts';
import { audit, type Coverage } from './audit.ts';
import { Chance } from './chance.ts';
import type { Door } from './doors.ts';
import { Editor } from './editor.ts';
import { FaultClock } from './fault-clock.ts';
import { atWork, type SeamWorld } from './faulty-seam.ts';
import { type Due, Jobs } from './jobs.ts';
import { Judge, seamTakesMs } from './judge.ts';
import { drawDevices } from './locks.ts';
import { People } from './people.ts';
import { PlanBook } from './plan-book.ts';
import { Poisons } from './poison.ts';
import { Postman } from './postman.ts';
import { Replica } from './replica.ts';
import { drawSchedule, seasons } from './schedule-text.ts';
import { everyDoor, Staff } from './staff.ts';
import type { Store } from './store.ts';
import { Strangers } from './strangers.ts';
import { StrikeCount } from './strikes.ts';
import { Tally } from './tally.ts';
import { Tasks } from './tasks.ts';
import { Trace, Violation } from './trace.ts';
import { Watch } from './watch.ts';
import { Weather } from './weather.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly days: number;
  readonly schedules: number;
  /** Prints each line as it comes. */
  readonly echo?: boolean;
  /** Something that is broken, to see that it is found out. */
  readonly sabotage?: (api: SeamApi) => SeamApi;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const dayMs = 86_400_000;
const settleMs = 60 * secondMs;
// The service's own, and others that somebody has set.
const reconcileMinutes = [5, 15, 30, 30, 60, 60, 60] as const;
const ladders = [[24 * 60, 120, 15], [24 * 60, 120, 15], [120, 15], [30]] as const;
const checkEveryMs = 10 * minuteMs;
const stepsMax = 200_000;

export class History {
  readonly trace: Trace;
  readonly faults: FaultClock;
  readonly strikes: StrikeCount;
  /** What people did. */
  readonly tally = new Tally();
  readonly book: PlanBook;
  readonly people: People;
  readonly watch: Watch;
  readonly simulator: Simulator;
  readonly startedAt: number;
  readonly endsAt: number;
  steps = 0;
  /** Once it has come to its end. */
  coverage: Coverage | null = null;
  readonly #o: HistoryOptions;
  readonly #store: Store;
  readonly #chance: Chance;
  readonly #tasks: Tasks;
  readonly #weather: Weather;
  readonly #postman: Postman;
  readonly #jobs: Jobs;
  readonly #judge: Judge;
  readonly #staff: Staff;
  readonly #replicas: readonly Replica[];
  readonly #cli: Replica;
  readonly #desk: Replica;
  readonly #editor: Editor;
  readonly #adopter: Adopter;
  readonly #strangers: Strangers;
  readonly #poisons: Poisons;
  readonly #boundMs: number;
  readonly #deviceIds: readonly string[];
  #lastEventSeen: string | undefined;
  #strikesSeen = 0;
  #checkedAt = 0;
  /** What is due, unless something was done since that was read. */
  #due: Due | null = null;

  constructor(
    options: HistoryOptions,
    store: Store,
    world: { simulator: Simulator; chance: Chance; deviceIds: string[] },
  ) {
    const { simulator, chance, deviceIds } = world;
    this.#o = options;
    this.#store = store;
    this.#chance = chance;
    this.#deviceIds = deviceIds;
    this.simulator = simulator;
    const now = (): number => simulator.now().getTime();
    this.startedAt = now();
    this.endsAt = this.startedAt + options.days * dayMs;
    this.trace = new Trace(now, options.echo);
    this.faults = new FaultClock(now);
    this.strikes = new StrikeCount(chance.fork());
    this.#tasks = new Tasks(now);
    this.book = new PlanBook(now, options.days);
    const { trace, faults, book, tally } = this;
    const reconcileMs = chance.pick(reconcileMinutes) * minuteMs;
    this.#boundMs = reconcileMs + seamTakesMs;
    const ladderMs = chance.pick(ladders).map((minutes) => minutes * minuteMs);
    const [tasks, fork] = [this.#tasks, () => chance.fork()];
    this.#weather = new Weather(
      {
        simulator,
        chance: fork(),
        faults,
        trace,
        tasks,
        deviceIds,
        poisonDoor: () => this.#poisonDoor(),
        onBad: () => this.#adopter.badTimesBegin(),
      },
      this.endsAt,
    );
    const isPair = chance.hits(0.5);
    const skewMs = chance.pick([0, 60_000, -60_000]);
    this.watch = new Watch(simulator, book, Math.abs(skewMs));
    const { watch } = this;
    this.#strangers = new Strangers(simulator, faults, watch);
    const strangers = this.#strangers;
    this.people = new People({ simulator, chance: fork(), faults, trace, watch, strangers, book, deviceIds, tally });
    this.#postman = new Postman(fork(), faults, trace);
    this.#jobs = new Jobs(store.pool, store.tool.queue.boss);
    const sound = createSeamApi({ apiKey: simulator.apiKey, endpoint: simulator.endpoint });
    const api = options.sabotage?.(sound) ?? sound;
    const callRate = (): number => this.#weather.callRate;
    const tells = (type: string): boolean => this.#postman.tells(type);
    const isLineClear = (): Promise<boolean> => this.#isLineClear();
    const seam: SeamWorld = {
      api,
      tells,
      simulator,
      chance: fork(),
      faults,
      trace,
      watch,
      isLineClear,
      faultRate: callRate,
    };
    const replica = (name: string, ahead: number, crashShare = 1): Replica =>
      new Replica({
        name,
        skewMs: ahead,
        tool: store.tool,
        cache: store.cache,
        seam,
        chance: fork(),
        settleMs,
        ladderMs,
        strikes: this.strikes,
        rates: () => this.#ratesOf(crashShare),
        onLoss: () => this.#loseDatabase(),
        doorOfIds: (scheduleId, deviceId) => this.#editor.doorOfIds(scheduleId, deviceId),
      });
    this.#replicas = isPair ? [replica('A', 0), replica('B', skewMs)] : [replica('A', 0)];
    this.#cli = replica('cli', 0);
    // It passes few points.
    this.#desk = replica('desk', 0, 8);
    const pool = store.pool;
    this.#editor = new Editor({
      process: this.#cli,
      pool,
      book,
      people: this.people,
      trace,
      chance: fork(),
      now: () => simulator.now(),
      deviceIds,
      tally,
    });
    this.#judge = new Judge({
      simulator,
      book,
      faults,
      watch,
      people: this.people,
      boundMs: this.#boundMs,
      isUnsettled: (door) => this.#isUnsettled(door),
    });
    this.#poisons = new Poisons({
      chance: fork(),
      faults,
      trace,
      tasks,
      people: this.people,
      tally,
      isBad: () => this.#weather.isBad,
      process: this.#cli,
      pool,
    });
    this.#staff = new Staff({
      replicas: this.#replicas,
      desks: [this.#desk],
      jobs: this.#jobs,
      chance: fork(),
      faults,
      trace,
      tasks,
      now,
      reconcileMs,
      poisonOf: (job) => this.#poisons.of(job),
      isDatabaseDown: () => faults.isOn('database.down'),
      onPlanned: async (door, startedAt) => {
        if (faults.calmSinceAt(door.deviceId) < book.changedAt(door.key))
          await this.#judge.assertAsked(door, startedAt);
      },
    });
    this.#adopter = new Adopter({
      process: this.#desk,
      staff: this.#staff,
      pool,
      simulator,
      book,
      people: this.people,
      strangers,
      watch,
      faults,
      trace,
      tasks,
      tally,
      chance: fork(),
      edit: (key) => this.#editor.edit(key),
    });
  }

  /** Runs to the end, or to the first thing that must never be. */
  async run(): Promise<void> {
    await this.#begin();
    const { endsAt } = this;
    while (this.simulator.now().getTime() < endsAt) {
      this.steps += 1;
      if (this.steps > stepsMax) throw new Violation('time goes on', 'the history does not come to its end');
      if (await this.#tasks.runDue()) this.#due = null;
      const steps = await this.#possibleSteps();
      for (const step of shuffled(this.#chance, steps.now)) {
        await step();
        await this.#staff.settle();
        this.#collect();
        if (this.#staff.violation !== undefined) throw this.#staff.violation;
      }
      if (steps.now.length > 0) continue;
      this.#check();
      await this.#moveTo(Math.min(steps.nextAt, endsAt));
    }
    this.#judge.assertConverged();
    this.#strangers.assertUntouched();
    const { simulator, book, faults, people, watch } = this;
    this.coverage = await audit(
      { simulator, book, faults, people, watch, pool: this.#store.pool, boundMs: this.#boundMs },
      this.startedAt,
      endsAt,
    );
  }

  /** A pass of the reconciler reads so much that it would hardly ever come to its end. */
  #ratesOf(crashShare: number): { crash: number; loss: number } {
    const { crash, loss } = this.#weather.rates;
    const share = atWork.getStore()?.door === everyDoor ? 0.25 : 1;
    return { crash: crash * share * crashShare, loss: loss * share };
  }

  async close(): Promise<void> {
    await this.#staff.stop();
    await this.simulator.close();
  }

  async #begin(): Promise<void> {
    const { schedules, days } = this.#o;
    const season = this.#season;
    const texts = Array.from({ length: schedules }, (_, index) =>
      drawSchedule(this.#chance, index, season, this.#deviceIds),
    );
    await this.#editor.apply('create', texts);
    this.#weather.start();
    const often = (count: number, run: () => void | Promise<void>): void => {
      for (let index = 0; index < count; index += 1) this.#tasks.in(this.#chance.below(days * dayMs), run);
    };
    often(Math.round(schedules * days * 0.6), () => this.#editor.edit());
    often(Math.round(schedules * days * 0.3), () => this.people.act());
    often(Math.round(schedules * days * 0.15), () => this.#adopter.begin());
  }

  get #season() {
    return seasons.find(({ startsAt }) => Date.parse(startsAt) === this.startedAt) ?? seasons[0];
  }

  async #possibleSteps(): Promise<{ now: (() => Promise<void>)[]; nextAt: number }> {
    const now = this.simulator.now().getTime();
    if (await this.#jobs.returnDue(now)) this.#due = null;
    const known = this.#due;
    const due = known ?? (await this.#jobs.due(now));
    this.#due = due;
    const staff = this.#staff;
    const letters = Array.from({ length: this.#postman.due(now) }, () => () => this.#deliver());
    const starts = staff.alive.length > 0 ? staff.starts(due.jobs) : [];
    const steps = [...letters, ...staff.passes(due), ...staff.reconciles(), ...starts, ...staff.resumes()];
    const instants = [
      this.simulator.nextTransitionAt()?.getTime() ?? null,
      this.#postman.nextAt,
      this.#tasks.nextAt,
      this.#jobs.nextReturnAt,
      staff.pumpAt(due),
      staff.reconcileAt(),
      ...staff.fibers.map(({ wakeAt }) => wakeAt),
    ].flatMap((at) => (at === null ? [] : [at]));
    if (steps.length > 0) {
      if (known !== null) await this.#jobs.setNow(now);
      this.#due = null;
    }
    return { now: steps, nextAt: Math.max(now + 1, Math.min(...instants, this.endsAt)) };
  }

  async #moveTo(at: number): Promise<void> {
    await this.simulator.advanceTo(new Date(at));
    this.#collect();
    this.watch.timeMoved(at);
  }

  /** Takes what Seam has to tell, and sees to it that nothing sleeps through bad times. */
  #collect(): void {
    const { events } = this.simulator;
    const now = this.simulator.now().getTime();
    // Not by their number: Seam forgets the oldest meanwhile.
    const seen = events.findLastIndex(({ event_id: id }) => id === this.#lastEventSeen);
    for (const event of events.slice(seen + 1)) {
      this.#postman.post(event, now, this.#weather.isBad);
    }
    this.#lastEventSeen = events.at(-1)?.event_id;
    if (this.faults.strikes === this.#strikesSeen) return;
    this.#strikesSeen = this.faults.strikes;
    this.#staff.wakeReconcilers();
  }

  #check(): void {
    const now = this.simulator.now().getTime();
    if (now - this.#checkedAt < checkEveryMs) return;
    this.#checkedAt = now;
    this.#judge.assertConverged();
  }

  async #deliver(): Promise<void> {
    const now = this.simulator.now().getTime();
    const letter = this.#postman.take(now);
    if (letter === undefined) return;
    const replica = this.#chance.pick(this.#replicas.filter(({ isAlive }) => isAlive));
    const receiver = replica === undefined ? null : { db: replica.db, pump: { wake: () => {} } };
    await this.#postman.deliver(letter, receiver, now);
  }

  #loseDatabase(): void {
    if (this.faults.isOn('database.down') || this.#chance.hits(0.5)) return;
    const all = [...this.#replicas, this.#cli, this.#desk];
    this.faults.begin('database.down');
    for (const { points } of all) points.isDatabaseDown = true;
    this.trace.add('the database is down');
    this.#tasks.in(0, async () => {
      for (const { db } of all) await db.breakConnections();
    });
    this.#tasks.in(this.#chance.between(1, 300) * secondMs, () => {
      this.faults.end('database.down');
      for (const { points } of all) points.isDatabaseDown = false;
      this.trace.add('the database is back');
    });
  }

  #poisonDoor(): void {
    const door = this.#chance.pick(this.book.doors().filter((one) => this.book.windows(one).length > 0));
    if (door !== undefined) this.#poisons.poisonDoor(door, this.simulator.now().getTime());
  }

  async #isLineClear(): Promise<boolean> {
    const { rows } = await this.#store.pool.query(`select 1 from seam_line where state <> 'clear'`);
    return rows.length === 0;
  }

  async #isUnsettled(door: Door): Promise<boolean> {
    const { rows } = await this.#store.pool.query(
      `select 1 from access_codes c join schedules s on s.id = c.schedule_id
        where s.key = $1 and c.device_id = $2 and (c.state in ('calling', 'unknown') or (c.state = 'created' and c.asked_ends_at is null))
       union all select 1 from seam_line where state <> 'clear' limit 1`,
      [door.key, door.deviceId],
    );
    return rows.length > 0;
  }
}

// A code that opens its lock from its programming on, an hour early, would look as if it had been asked for too early.
const waysOfSeam = switchSettings
  .map(({ switches }) => switches)
  .filter(({ justInTimeOpensFrom }) => justInTimeOpensFrom === undefined);

/** Sets the scene of a seed. */
export async function openHistory(options: HistoryOptions, store: Store): Promise<History> {
  const chance = new Chance(options.seed);
  const season = chance.pick(seasons);
  await store.empty(Date.parse(season.startsAt));
  const devices = drawDevices(chance, options.schedules);
  const switches = (chance.hits(0.5) ? undefined : chance.pick(waysOfSeam)) ?? {};
  const drawn = chance.fork();
  const simulator = await startSimulator({
    now: new Date(season.startsAt),
    devices,
    switches,
    random: () => drawn.next(),
    port: 0,
  });
  return new History(options, store, { simulator, chance, deviceIds: devices.map(({ device_id }) => device_id) });
}

function shuffled<Item>(chance: Chance, items: readonly Item[]): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(chance.below(left.length), 1));
}
