import { describe, expect, it } from 'vitest';
import { type StoryEntry, type StoryFrame, storyOf } from '../../src/core/story.ts';

const [startsAt, endsAt] = [new Date('2027-03-08T14:00:00Z'), new Date('2027-03-08T22:00:00Z')];
const window = { window_starts_at: startsAt.toISOString(), window_ends_at: endsAt.toISOString() };
const frame: StoryFrame = {
  timezone: 'America/New_York',
  of: 'schedule',
  windows: new Map(['front', 'back'].map((id) => [id, { startsAt, endsAt }])),
};

function entry(at: string, kind: string, fields: Partial<StoryEntry> = {}): StoryEntry {
  return {
    at: new Date(`2027-03-08T${at}:00Z`),
    kind,
    isAlert: false,
    message: `${kind}.`,
    by: null,
    deviceId: 'device-1',
    scheduleKey: 'crew',
    codeId: 'front',
    detail: { device_name: 'Front door', schedule_name: 'Crew' },
    ...fields,
  };
}

const atBack = { deviceId: 'device-2', codeId: 'back', detail: { device_name: 'Back door', schedule_name: 'Crew' } };

/** "09:00! Front door: text", a line each, newest first. */
function told(oldestFirst: readonly StoryEntry[], more: Partial<StoryFrame> = {}): string[] {
  return storyOf(oldestFirst.toReversed(), { ...frame, ...more }).flatMap(({ date, lines }) =>
    lines.map(({ at, isAlert, subjects, text }) => {
      const who = subjects.length === 0 ? '' : `${subjects.join(', ')}: `;
      return `${date} ${at.toISOString().slice(11, 16)}${isAlert ? '!' : ''} ${who}${text}`;
    }),
  );
}

function lifeOf(where: Partial<StoryEntry>): StoryEntry[] {
  const detail = { ...(where.detail ?? { device_name: 'Front door', schedule_name: 'Crew' }) };
  return [
    entry('12:00', 'window.planned', { ...where, codeId: null, detail: { ...detail, ...window } }),
    entry('12:00', 'code.created', where),
    entry('12:00', 'code.reported', { ...where, message: 'Seam reports access_code.created: the code of Crew.' }),
    entry('12:00', 'code.ready', { ...where, detail: { ...detail, event_type: 'access_code.scheduled_on_device' } }),
    entry('14:00', 'code.ready', { ...where, detail: { ...detail, event_type: 'access_code.set_on_device' } }),
    entry('22:00', 'code.reported', { ...where, message: 'Gone from the lock: the code of Crew.' }),
    entry('22:00', 'code.removed', { ...where, message: 'Removed: the code of Crew.' }),
  ];
}

const life =
  'the code for Mon 8 Mar 09:00–17:00 was planned, made by Seam and stored on the lock ahead of its time at 07:00; set on the lock at 09:00; taken off the lock at 17:00.';

describe('the story', () => {
  it('tells the life of a code in one sentence', () => {
    expect(told(lifeOf({}))).toEqual([`2027-03-08 22:00 Front door: ${life}`]);
  });

  it('tells the same of two doors once, and of a door it names the schedule', () => {
    expect(told([...lifeOf({}), ...lifeOf(atBack)])).toEqual([`2027-03-08 22:00 Back door, Front door: ${life}`]);
    expect(told(lifeOf({}), { of: 'door' })).toEqual([`2027-03-08 22:00 Crew: ${life}`]);
  });

  it('keeps doors apart where it went another way', () => {
    const lines = told([...lifeOf(atBack).slice(0, 4), ...lifeOf({})]);
    expect(lines).toEqual([
      `2027-03-08 22:00 Front door: ${life}`,
      '2027-03-08 12:00 Back door: the code for Mon 8 Mar 09:00–17:00 was planned, made by Seam and stored on the lock ahead of its time.',
    ]);
  });

  it('lets an alert stand for itself, with how often it was said', () => {
    const late = (at: string) => entry(at, 'code.not_ready', { isAlert: true, message: `Not ready at ${at}.` });
    expect(told([entry('12:00', 'code.created'), late('13:00'), late('13:45'), entry('14:00', 'code.ready')])).toEqual([
      '2027-03-08 14:00 Front door: the code for Mon 8 Mar 09:00–17:00 was made by Seam at 07:00; set on the lock at 09:00.',
      '2027-03-08 13:45! Not ready at 13:45. Said 2 times since 08:00.',
    ]);
  });

  it('never swallows what it has no sentence for, nor an alert of an ordinary kind', () => {
    expect(
      told([
        entry('12:00', 'code.created', { isAlert: true, message: 'Created: longer than asked.' }),
        entry('12:00', 'code.removed', { isAlert: true, message: 'Removed: nobody asked for it.' }),
        entry('12:01', 'code.reported', { isAlert: true, message: 'Seam reports access_code.odd: Crew.' }),
        entry('12:02', 'holder.erased', { message: 'The holder was erased.', codeId: null }),
        entry('12:03', 'code.removed', { message: 'Removed: Crew. The window goes on and gets another one.' }),
      ]),
    ).toEqual([
      '2027-03-08 12:03 Removed: Crew. The window goes on and gets another one.',
      '2027-03-08 12:02 The holder was erased.',
      '2027-03-08 12:01! Seam reports access_code.odd: Crew.',
      '2027-03-08 12:00! Removed: nobody asked for it.',
      '2027-03-08 12:00! Created: longer than asked.',
    ]);
  });

  it('says who did it, each time, and once', () => {
    const by = { codeId: null, deviceId: null, by: 'alice' };
    expect(
      told([
        entry('12:00', 'schedule.changed', { ...by, message: 'Schedule crew was paused.' }),
        entry('12:01', 'schedule.changed', { ...by, message: 'Schedule crew was resumed.' }),
        entry('12:02', 'pin.revealed', { ...by, message: 'The PIN was shown to alice.' }),
      ]),
    ).toEqual([
      '2027-03-08 12:02 The PIN was shown to alice.',
      '2027-03-08 12:01 Schedule crew was resumed, by alice.',
      '2027-03-08 12:00 Schedule crew was paused, by alice.',
    ]);
  });

  it('puts the cause below what followed from it at the same instant', () => {
    const lines = told([
      entry('17:00', 'schedule.changed', { codeId: null, deviceId: null, message: 'Schedule crew was extended.' }),
      entry('17:00', 'window.moved', { detail: { device_name: 'Front door', ...window } }),
      entry('17:00', 'code.updated'),
    ]);
    expect(lines).toEqual([
      '2027-03-08 17:00 Front door: the code for Mon 8 Mar 09:00–17:00 was moved to these hours and given its new times.',
      '2027-03-08 17:00 Schedule crew was extended.',
    ]);
  });

  it('goes by the days of the zone, newest first, and leaves out days of noise', () => {
    const night = { startsAt: new Date('2027-03-09T03:00:00Z'), endsAt: new Date('2027-03-09T05:00:00Z') };
    const windows = new Map([['front', night]]);
    const story = [entry('04:59', 'code.created'), entry('05:00', 'code.ready')];
    expect(told(story, { windows })).toEqual([
      '2027-03-08 05:00 Front door: the code for Mon 8 Mar 22:00–24:00 was set on the lock.',
      '2027-03-07 04:59 Front door: the code for Mon 8 Mar 22:00–24:00 was made by Seam.',
    ]);
    expect(storyOf([entry('12:00', 'code.reported', { message: 'Seam reports x: y.' })], frame)).toEqual([]);
  });

  it('tells of a code whose row is gone in the words of the entry', () => {
    expect(told([entry('12:00', 'code.created', { codeId: 'pruned', message: 'Created: the code of Crew.' })])).toEqual(
      ['2027-03-08 12:00 Created: the code of Crew.'],
    );
  });
});
