// Whether Seam may be asked at all. When it does not answer, or does not take our key, calls are held back and one at a time
// finds out when that has passed. Pure; all replicas share one state.
import { laterMs } from './backoff.ts';
import type { LimitedCall } from './seam-limits.ts';

export type SeamCall = LimitedCall | 'read';

export interface SeamLine {
  readonly state: 'clear' | 'silent' | 'refused';
  readonly failures: number;
  readonly failingDevices: readonly string[];
  readonly probes: number;
  readonly isProbing: boolean;
  readonly probeAt: Date | null;
  readonly refusedCall: string | null;
}

/** What a call tells of the line: that Seam answered, that it refused our key, or nothing for want of an answer. */
export type LineSign = 'answer' | 'refusal' | 'silence';

export interface CallOutcome {
  readonly call: SeamCall;
  readonly deviceId: string;
  readonly sign: LineSign;
}

/** So many calls without an answer in a row, at so many doors or at all that there are, are an outage and no trouble of a door's own. */
const silentFailures = 5;
export const silentDevices = 3;
export const refusedProbeMs = 60_000;
/** A try that has told nothing by then is lost with its worker: no call lasts so long. */
export const probeLeaseMs = 15_000;
/** While a window is near, Seam is tried at least so often. */
export const nearProbeMs = 60_000;
/** Calls that are held back come some time apart, after the next try, so that they do not come all at once when it succeeds. */
export const spreadMs = 30_000;
/** How far apart those are woken when calls go on: many share the whole spread, a few need not wait for it. */
export const wakeApartMs = 250;
/** A key that is refused needs a person, which takes its time; whoever waits for a code is woken when it is taken again. */
const refusedSpreadMs = 240_000;
/** More codes than that wait no longer. */
export const waitingMax = refusedSpreadMs / wakeApartMs;

export const clearLine: SeamLine = {
  state: 'clear',
  failures: 0,
  failingDevices: [],
  probes: 0,
  isProbing: false,
  probeAt: null,
  refusedCall: null,
};

/**
 * The line after a call; the same object when nothing changes.
 * @param random uniform whole number below its argument
 * @param isWindowNear whether a code is wanted within minutes
 * @param devices how many there are; beyond `silentDevices` it does not matter
 */
export function afterCall(
  line: SeamLine,
  outcome: CallOutcome,
  at: { now: Date; random: (below: number) => number; isWindowNear: boolean; devices: number },
): SeamLine {
  const { call, sign } = outcome;
  const inMs = (ms: number): Date => new Date(at.now.getTime() + ms);
  switch (sign) {
    case 'answer': {
      if (line.state === 'clear' && line.failures === 0) return line;
      // A key may read and not write: whatever is asked next finds out.
      const isProof = line.state !== 'refused' || line.refusedCall === 'read' || call !== 'read';
      return isProof ? clearLine : { ...line, isProbing: false, probeAt: at.now };
    }
    case 'refusal':
      return {
        ...clearLine,
        state: 'refused',
        refusedCall: line.state === 'refused' ? line.refusedCall : call,
        probeAt: inMs(refusedProbeMs),
      };
    case 'silence': {
      if (line.state === 'refused') return { ...line, isProbing: false, probeAt: inMs(refusedProbeMs) };
      const failures = line.failures + 1;
      const failingDevices = line.failingDevices.includes(outcome.deviceId)
        ? line.failingDevices
        : [...line.failingDevices, outcome.deviceId].slice(0, silentDevices);
      const isEverywhere = failingDevices.length >= Math.min(silentDevices, at.devices);
      const isOutage = failures >= silentFailures && isEverywhere;
      if (line.state === 'clear' && !isOutage) return { ...line, failures, failingDevices };
      // Calls that were under way when it fell silent tell nothing new.
      if (line.state === 'silent' && !line.isProbing) return line;
      const probes = line.probes + 1;
      const waitMs = laterMs(probes, at.random);
      const probeAt = inMs(at.isWindowNear ? Math.min(waitMs, nearProbeMs) : waitMs);
      return { ...line, state: 'silent', failures, failingDevices, probes, isProbing: false, probeAt };
    }
  }
}

/**
 * How long a call that is held back waits before it asks again.
 * @param waiting how many others wait: a few are soon asked about, or nobody would find out in time that calls pass again
 */
export function heldBackMs(
  { state, probeAt }: Pick<SeamLine, 'state' | 'probeAt'>,
  call: SeamCall,
  now: Date,
  random: (below: number) => number,
  waiting: number,
): number {
  const isPatient = state === 'refused' && (call === 'create' || call === 'read');
  const apartMs = Math.min(isPatient ? refusedSpreadMs : spreadMs, waiting * wakeApartMs);
  return Math.max(0, (probeAt ?? now).getTime() - now.getTime()) + random(Math.max(1, apartMs));
}

/** Why a code waits whose call is held back. */
export const heldBackReasons: Readonly<Record<SeamLine['state'], string>> = {
  clear: 'another call is finding out whether Seam answers',
  silent: 'Seam does not answer',
  refused: 'Seam refuses our API key',
};
