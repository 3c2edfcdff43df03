// What `soak` asks of the service: schedules whose windows begin and end all the time, worked out without its own calculator.

export interface Span {
  readonly startsAt: Date;
  readonly endsAt: Date;
}

export interface SoakSchedule {
  readonly key: string;
  readonly deviceId: string;
  readonly rotates: boolean;
  /** In order, from the start of the run to beyond its end. */
  readonly windows: readonly Span[];
}

export interface SoakDoor {
  readonly deviceId: string;
  /** Whether its lock knows times; one that does not opens and closes when Seam reaches it. */
  readonly isNative: boolean;
}

export interface SoakPlan {
  readonly run: Span;
  /** In which it is morning now, so that no run comes to a midnight. */
  readonly timezone: string;
  readonly schedules: readonly SoakSchedule[];
  readonly doors: readonly SoakDoor[];
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const windowMinutes = 12;
const pauseMinutes = 8;
const cycleMinutes = windowMinutes + pauseMinutes;
const schedulesPerDoor = 2;
const morningHour = 6;

/** So that all its windows lie within one local day. */
export const longestMinutes = 16 * 60;

/**
 * A twentieth of the schedules begins a window each minute, and another one ends its own. Windows that would be in progress when
 * the run begins are cut to begin with it: a code that joins one midway is late, whoever makes it.
 */
export function planSoak(runStartsAt: Date, minutes: number, schedules: number): SoakPlan {
  const run = { startsAt: runStartsAt, endsAt: new Date(runStartsAt.getTime() + minutes * minuteMs) };
  const doors = Array.from({ length: Math.ceil(schedules / schedulesPerDoor) }, (_, at) => {
    return { deviceId: `soak-door-${at}`, isNative: at % 5 > 0 };
  });
  return {
    run,
    timezone: zoneOfMorning(runStartsAt),
    schedules: Array.from({ length: schedules }, (_, at) => ({
      key: `soak-${at}`,
      deviceId: `soak-door-${Math.floor(at / schedulesPerDoor)}`,
      rotates: at % 4 === 3,
      windows: windowsOf(at % cycleMinutes, run),
    })),
    doors,
  };
}

function windowsOf(phaseMinutes: number, { startsAt, endsAt }: Span): Span[] {
  const windows: Span[] = [];
  // One that begins after the run is there too: what ends in it has a next one to be made.
  const untilMs = endsAt.getTime() + cycleMinutes * minuteMs;
  let fromMs = startsAt.getTime() + (phaseMinutes - cycleMinutes) * minuteMs;
  for (; fromMs < untilMs; fromMs += cycleMinutes * minuteMs) {
    const toMs = fromMs + windowMinutes * minuteMs;
    if (toMs <= startsAt.getTime()) continue;
    windows.push({ startsAt: new Date(Math.max(fromMs, startsAt.getTime())), endsAt: new Date(toMs) });
  }
  return windows;
}

// Etc/GMT-5 is five hours ahead of UTC: the sign is POSIX's.
function zoneOfMorning(now: Date): string {
  const hours = morningHour - now.getUTCHours();
  const offset = hours < -12 ? hours + 24 : hours;
  return offset === 0 ? 'UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

/** The plan as entries of a schedules file. */
export function entriesOf({ schedules, timezone }: SoakPlan): object[] {
  const local = localTimes(timezone);
  return schedules.map(({ key, deviceId, rotates, windows }) => ({
    key,
    name: `Soak ${key}`,
    devices: [deviceId],
    timezone,
    starts_on: local(windows[0]?.startsAt ?? new Date()).slice(0, 10),
    pin: rotates ? 'rotate' : 'keep',
    windows: windows.map(({ startsAt, endsAt }) => {
      return { rrule: 'FREQ=DAILY', from: local(startsAt).slice(11), to: local(endsAt).slice(11) };
    }),
  }));
}

function localTimes(timezone: string): (at: Date) => string {
  const sign = timezone.includes('-') ? 1 : -1;
  const offsetMs = sign * Number(/\d+$/.exec(timezone)?.[0] ?? 0) * hourMs;
  return (at) => new Date(at.getTime() + offsetMs).toISOString().slice(0, 16);
}
