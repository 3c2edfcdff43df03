// Turns Relatch's log into lines for a person: what a door, a cleaner or a manager would notice.
import { formatInTimeZone } from 'date-fns-tz';
import { z } from 'zod';

const Line = z.looseObject({
  event: z.string().optional(),
  level: z.string().optional(),
  at: z.string().optional(),
  message: z.string().optional(),
  event_type: z.string().optional(),
  outcome: z.string().optional(),
});

const marks: Readonly<Record<string, string>> = {
  'schedule.created': '＋',
  'code.created': '✓',
  'code.adopted': '✓',
  'code.removed': '○',
  'code.unsettled': '?',
  'code.postponed': '…',
  'window.missed': '!',
  'code.refused': '!',
};

const told: Readonly<Record<string, string>> = { 'access_code.set_on_device': '●' };

/** Where the narrated lines go; also where the demo's own remarks are printed. */
export interface Narrator {
  /** For pino: one JSON line. */
  write(line: string): void;
  /** A remark of the demo itself. */
  say(at: Date, text: string): void;
}

/** @param zone IANA zone in which times are shown */
export function createNarrator(zone: string, print: (text: string) => void): Narrator {
  const clock = (at: Date): string => formatInTimeZone(at, zone, 'EEE d MMM HH:mm:ss');
  return {
    write(line) {
      const { event, at, message, event_type, level, outcome } = Line.parse(JSON.parse(line));
      if (event === 'webhook.received' && outcome === 'duplicate') return;
      const mark = event === 'code.reported' ? told[event_type ?? ''] : marks[event ?? ''];
      const isWorthTelling = mark !== undefined || level === 'error' || level === 'fatal';
      if (!isWorthTelling || message === undefined) return;
      print(`${clock(at === undefined ? new Date() : new Date(at))}  ${mark ?? '!'} ${message}`);
    },
    say(at, text) {
      print(`${clock(at)}  ${text.startsWith('▸') ? text : `~ ${text}`}`);
    },
  };
}
