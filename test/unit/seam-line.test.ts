import { describe, expect, it } from 'vitest';
import { callsAMinute, limitWindowMs, slotWaitMs } from '../../src/core/seam-limits.ts';
import { afterCall, type CallOutcome, clearLine, heldBackMs, type SeamLine } from '../../src/core/seam-line.ts';

const now = new Date('2027-03-08T12:00:00Z');
const later = (ms: number): Date => new Date(now.getTime() + ms);
const at = { now, random: () => 0, isWindowNear: false, devices: 3 };

function lineAfter(line: SeamLine, ...outcomes: Partial<CallOutcome>[]): SeamLine {
  return outcomes.reduce(
    (state, outcome) => afterCall(state, { call: 'read', deviceId: 'a', sign: 'answer', ...outcome }, at),
    line,
  );
}
const silences = (...deviceIds: string[]): Partial<CallOutcome>[] =>
  deviceIds.map((deviceId) => ({ deviceId, sign: 'silence' }));

describe('a line to Seam', () => {
  it('falls silent after five calls in a row without an answer, at three doors', () => {
    expect(lineAfter(clearLine, ...silences('a', 'b', 'c', 'a')).state).toBe('clear');
    expect(lineAfter(clearLine, ...silences('a', 'b', 'c', 'a', 'b'))).toMatchObject({
      state: 'silent',
      probes: 1,
      probeAt: later(5_000),
    });
    expect(lineAfter(clearLine, ...silences('a', 'b', 'a', 'b', 'a', 'b', 'a')).state).toBe('clear');
  });

  it.each([
    [1, ['a', 'a', 'a', 'a', 'a']],
    [2, ['a', 'b', 'a', 'b', 'a']],
  ])('falls silent where all doors that there are fail, be they %i', (devices, failing) => {
    const lineOf = (deviceIds: readonly string[]): SeamLine =>
      deviceIds.reduce<SeamLine>(
        (line, deviceId) => afterCall(line, { call: 'read', deviceId, sign: 'silence' }, { ...at, devices }),
        clearLine,
      );
    expect(lineOf(failing.slice(1)).state).toBe('clear');
    expect(lineOf(failing).state).toBe('silent');
    if (devices > 1) expect(lineOf(failing.map(() => 'a')).state).toBe('clear');
  });

  it('counts anew after any answer', () => {
    const line = lineAfter(clearLine, ...silences('a', 'b', 'c', 'a'), {}, ...silences('a', 'b', 'c', 'a'));
    expect(line).toMatchObject({ state: 'clear', failures: 4 });
    expect(lineAfter(clearLine, {})).toBe(clearLine);
  });

  it('is tried ever more rarely, up to five minutes, and each minute while a window is near', () => {
    let line = lineAfter(clearLine, ...silences('a', 'b', 'c', 'd', 'e'));
    const silence = { call: 'read', deviceId: 'a', sign: 'silence' } as const;
    // Calls that were under way before are no tries.
    expect(afterCall(line, silence, at)).toBe(line);
    const waits = Array.from({ length: 8 }, () => {
      line = afterCall({ ...line, isProbing: true }, silence, at);
      return ((line.probeAt ?? now).getTime() - now.getTime()) / 1_000;
    });
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
    expect(afterCall({ ...line, isProbing: true }, silence, { ...at, isWindowNear: true }).probeAt).toEqual(
      later(60_000),
    );
    expect(lineAfter(line, {})).toEqual(clearLine);
  });

  it('is refused at the first 401, whatever it was before, and tried each minute', () => {
    const silent = lineAfter(clearLine, ...silences('a', 'b', 'c', 'd', 'e'));
    for (const line of [clearLine, silent]) {
      expect(lineAfter(line, { sign: 'refusal' })).toMatchObject({
        state: 'refused',
        probes: 0,
        probeAt: later(60_000),
      });
    }
    const refused = lineAfter(clearLine, { sign: 'refusal' });
    expect(lineAfter({ ...refused, isProbing: true }, { sign: 'silence' })).toMatchObject({
      state: 'refused',
      isProbing: false,
    });
  });

  it('takes an answer to a read for no proof that the key may write', () => {
    const refused = lineAfter(clearLine, { call: 'create', sign: 'refusal' });
    expect(lineAfter(refused, {})).toMatchObject({ state: 'refused', probeAt: now });
    expect(lineAfter(refused, { call: 'read', sign: 'refusal' }, {}).state).toBe('refused');
    expect(lineAfter(refused, { call: 'delete' })).toEqual(clearLine);
    expect(lineAfter(clearLine, { call: 'read', sign: 'refusal' }, {})).toEqual(clearLine);
  });

  it('holds calls back until the next try, and spreads them', () => {
    const line = { state: 'silent', probeAt: later(10_000) } as const;
    const most = (below: number): number => below - 1;
    expect(heldBackMs(line, 'create', now, () => 0, 0)).toBe(10_000);
    expect(heldBackMs(line, 'create', now, most, 1_000)).toBeLessThan(40_000);
    expect(heldBackMs({ ...line, state: 'refused' }, 'delete', now, most, 1_000)).toBeLessThan(40_000);
    expect(heldBackMs({ ...line, state: 'refused' }, 'create', now, most, 1_000)).toBeGreaterThan(60_000);
    expect(heldBackMs({ ...line, state: 'refused' }, 'create', now, most, 1)).toBeLessThan(11_000);
    expect(heldBackMs({ ...line, probeAt: later(-5_000) }, 'read', now, () => 0, 0)).toBe(0);
  });
});

describe('a door without a call left', () => {
  const callsAt = Array.from({ length: callsAMinute.create }, (_, second) => later((second - 10) * 1_000));

  it.each([
    [0, limitWindowMs - 10_000],
    [3, limitWindowMs - 7_000],
    [9, limitWindowMs - 1_000],
    [10, 2 * limitWindowMs - 10_000],
    [25, 3 * limitWindowMs - 5_000],
  ])('has the next one for whom %i come first when that many more are free', (ahead, waitMs) => {
    expect(slotWaitMs(10, callsAt, ahead, now)).toBe(waitMs);
  });

  it('is asked again in a moment where others come first that have not called yet', () => {
    expect(slotWaitMs(10, callsAt.slice(0, 4), 8, now)).toBe(1_000);
    expect(slotWaitMs(10, [], 12, now)).toBe(1_000);
  });
});
