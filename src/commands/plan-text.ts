// What a change does, or would do, to windows and codes, door by door.
import { windowChanges } from '../core/window-changes.ts';
import type { Window } from '../core/windows.ts';
import type { DoorPreview } from '../flows/change-schedules.ts';
import { countOf, oneLine, paint, spanIn } from './output.ts';

type Sign = '+' | '~' | '-' | ' ';
type ActionKind = DoorPreview['actions'][number];

const signs: Readonly<Record<ActionKind, Sign>> = {
  intend: '+',
  create: '+',
  reopen: '+',
  move: '~',
  update: '~',
  delete: '-',
  removed: '-',
  close: '-',
  find: ' ',
  confirm_gone: ' ',
  compare: ' ',
  keep_closed: ' ',
};
const colours = { '+': 'green', '~': 'yellow', '-': 'red', ' ': null } as const;
const windowsShown = 20;

/** A block for each door: + what appears, ~ what changes, - what vanishes. */
export function planText(preview: readonly DoorPreview[]): string {
  const doors = Map.groupBy(preview, ({ deviceId }) => deviceId);
  return [...doors.values()]
    .flatMap((schedules) => [
      paint('bold', oneLine(doorOf(schedules[0]))),
      ...schedules.flatMap((one) => [
        `  ${one.scheduleKey} (${one.timezone})`,
        ...linesOf(one).map((line) => `    ${line}`),
      ]),
    ])
    .join('\n');
}

function linesOf(door: DoorPreview): string[] {
  const windows = windowLines(door);
  const rest = windows.length - windowsShown;
  const codes = door.would.map((text, index) =>
    line(signs[door.actions[index] ?? 'compare'], `code: ${oneLine(text)}`),
  );
  const lines = [
    ...windows.slice(0, windowsShown),
    ...(rest > 0 ? [`  … and ${countOf(rest, 'more window')}`] : []),
    ...codes,
  ];
  return lines.length === 0 ? ['  no window of the next two weeks and no code changes'] : lines;
}

function windowLines({ appearing, vanishing, timezone }: DoorPreview): string[] {
  return windowChanges(appearing, vanishing).map(({ before, after }) => windowLine(timezone, before, after));
}

function windowLine(timezone: string, before: Window | undefined, after: Window | undefined): string {
  const say = (window: Window | undefined): string => (window === undefined ? '' : spanIn(timezone, window));
  if (before !== undefined && after !== undefined) return line('~', `window ${say(before)} becomes ${say(after)}`);
  return after === undefined ? line('-', `window ${say(before)}`) : line('+', `window ${say(after)}`);
}

function line(sign: Sign, text: string): string {
  return paint(colours[sign], `${sign} ${text}`);
}

/** What the running service does next about codes: "1 code is being taken off Front door". */
export function followsText(preview: readonly DoorPreview[]): string[] {
  const ways: [readonly ActionKind[], string][] = [
    [['delete'], 'being taken off'],
    [['move', 'update'], 'getting new times at'],
    [['intend', 'create', 'reopen'], 'being prepared for'],
  ];
  return preview.flatMap((door) =>
    ways.flatMap(([kinds, what]) => {
      const count = door.actions.filter((kind) => kinds.includes(kind)).length;
      if (count === 0) return [];
      return [`${countOf(count, 'code')} ${count === 1 ? 'is' : 'are'} ${what} ${oneLine(doorOf(door))}`];
    }),
  );
}

function doorOf(door: DoorPreview | undefined): string {
  return door?.deviceName ?? `device ${door?.deviceId}`;
}
