import { describe, expect, it } from 'vitest';
import type { Interval } from '../../src/simulator/lock.ts';
import { planSoak } from '../bench/soak-plan.ts';
import { judgeWindows, type WindowsJudged } from '../bench/soak-windows.ts';

// One schedule, whose one window begins with the run and outlasts it.
const plan = planSoak(new Date('2027-03-08T10:00:00Z'), 4, 1);
const [{ deviceId, key } = { deviceId: '', key: '' }] = plan.schedules;

/** `ID from until`, in local times of that morning. */
function judge(...openings: string[]): WindowsJudged {
  const intervals = openings.map((opening): Interval => {
    const [id = '', from = '', until = ''] = opening.split(' ');
    const at = (time: string): Date => new Date(`2027-03-08T${time}Z`);
    const times = { on_device_from: at(from), off_device_at: until === '' ? null : at(until) };
    return { access_code_id: id, device_id: deviceId, name: null, code: '', ...times };
  });
  return judgeWindows(plan, intervals, new Map(['a', 'b'].map((id) => [id, key])));
}

describe('what soak says of a window', () => {
  it('is nothing where one code opened it from its start to beyond the end of the run', () => {
    expect(judge('a 10:00:00')).toMatchObject({ begun: 1, minutesDue: 4, minutesMissing: 0, complaints: [] });
  });

  it('is that it had no code in each minute that was not open to its last second', () => {
    expect(judge('a 10:00:30 10:01:59')).toMatchObject({ minutesMissing: 4, secondsMissing: 151, doubles: 0 });
    expect(judge('a 10:01:00')).toMatchObject({
      minutesMissing: 1,
      complaints: [expect.stringContaining('60 s without')],
    });
  });

  it('is that it had two codes, whether at once or one after the other', () => {
    expect(judge('a 10:00:00', 'b 10:03:00')).toMatchObject({ minutesMissing: 0, doubles: 1 });
    expect(judge('a 10:00:00 10:03:00', 'b 10:03:00')).toMatchObject({ minutesMissing: 0, doubles: 1 });
  });

  it('is that the door was open before it', () => {
    expect(judge('a 09:58:00')).toMatchObject({ minutesMissing: 0, minutesOutside: 2 });
  });

  it('counts no code that is not the schedule’s', () => {
    expect(judge('stranger 10:00:00')).toMatchObject({ minutesMissing: 4 });
  });
});
