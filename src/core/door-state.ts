// How a door stands, in a word and in a sentence for people who look over many of them. Pure; why in full is told by explain.ts.
import { formatInTimeZone } from 'date-fns-tz';
import type { CodeState } from './access-code.ts';
import type { ClosedBecause, PlannedAt } from './closed-because.ts';
import type { Schedule } from './schedule.ts';

export interface DoorState {
  readonly word: 'ready' | 'waiting' | 'trouble' | 'closed';
  /** Without a full stop; empty where the word says it all. */
  readonly because: string;
}

type LiveCode = { readonly state: CodeState; readonly readyAt: Date | null; readonly reason: string | null };

/** A schedule at a door, at an instant. */
export interface PlannedSchedule {
  readonly schedule: Pick<Schedule, 'status' | 'timezone'>;
  readonly planned: PlannedAt;
  /** How a row of the window that goes on has ended; null where none has. */
  readonly ended: string | null;
}

/**
 * @param live codes whose windows go on
 * @param alerts how many alerts about the door are open
 * @param schedules those of the door, where it has no live code
 */
export function doorState(live: readonly LiveCode[], alerts: number, schedules: readonly PlannedSchedule[]): DoorState {
  if (alerts > 0) {
    const because = alerts === 1 ? '1 thing needs a person' : `${alerts} things need a person`;
    return { word: 'trouble', because };
  }
  const refused = live.find(({ state }) => state === 'rejected');
  if (refused !== undefined) return { word: 'trouble', because: `refused: ${refused.reason ?? 'no reason is known'}` };
  const waiting = live.find((code) => !isOnLock(code));
  if (waiting !== undefined) return { word: 'waiting', because: waitingWords(waiting) };
  if (live.length > 0) return { word: 'ready', because: '' };
  const open = schedules.find(({ schedule, planned }) => schedule.status === 'active' && planned.isOpen);
  if (open === undefined) return { word: 'closed', because: closedWords(schedules) };
  return open.ended === 'taken_away'
    ? { word: 'closed', because: 'somebody took the code of this window away in Seam' }
    : { word: 'waiting', because: 'its window is open and has no code yet' };
}

/** Whether the lock holds the code, as far as Seam says. */
export function isOnLock({ state, readyAt }: LiveCode): boolean {
  return state === 'created' && readyAt !== null;
}

/** What a code that is not on its lock waits for. */
export function waitingWords({ state, reason }: LiveCode): string {
  switch (state) {
    case 'created':
      return 'Seam has the code, the lock not yet';
    case 'removing':
      return 'being taken off the lock';
    case 'rejected':
      return `refused: ${reason ?? 'no reason is known'}`;
    case 'calling':
    case 'unknown':
      return 'being asked of Seam';
    default:
      return reason ?? 'about to be asked of Seam';
  }
}

/** Of several schedules the one that says most. */
function closedWords(schedules: readonly PlannedSchedule[]): string {
  const active = schedules.filter(({ schedule }) => schedule.status === 'active');
  if (active.length === 0) {
    if (schedules.length === 0) return 'no schedule has this door any more';
    return schedules.some(({ schedule }) => schedule.status === 'paused') ? 'paused' : 'ended';
  }
  const told = active.flatMap(({ schedule, planned }) =>
    planned.because.map((because) => ({ because, timezone: schedule.timezone })),
  );
  const best = told.find(({ because }) => because.kind !== 'no_window' && because.kind !== 'not_before') ?? told[0];
  return best === undefined ? '' : closerWords(best.because, best.timezone);
}

function closerWords(because: ClosedBecause, timezone: string): string {
  switch (because.kind) {
    case 'skipped':
      return because.reason === null ? 'skipped' : `skipped: ${because.reason}`;
    case 'blackout': {
      const until = formatInTimeZone(because.until, timezone, 'EEE d MMM HH:mm');
      return `until ${until}${because.reason === null ? '' : `: ${because.reason}`}`;
    }
    case 'holiday':
      return `a holiday (${because.list})`;
    case 'except_date':
      return 'a day that is excepted';
    case 'not_before':
      return `begins on ${because.startsOn}`;
    case 'after_end':
      return `ended on ${because.endsOn}`;
    case 'no_window':
      return 'no window now';
  }
}
