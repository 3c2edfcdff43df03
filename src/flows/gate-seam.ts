// Every call to Seam passes here. Before it: whether Seam may be asked at all, and whether the door has a call of the kind left
// in this minute; both are shared by all replicas and cost one statement. After it: what the answer says of the line.
// A call that is held back was not made: it is no attempt, and nobody is told.

import { callsAMinute, type LimitedCall, slotWaitMs } from '../core/seam-limits.ts';
import {
  afterCall,
  type CallOutcome,
  heldBackMs,
  heldBackReasons,
  probeLeaseMs,
  type SeamCall,
  type SeamLine,
  silentDevices,
  waitingMax,
} from '../core/seam-line.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import { blockCalls, type CodeName, takeSlot, waitsForSlot } from '../db/seam-budgets.ts';
import {
  claimProbe,
  countDevices,
  countWaiting,
  isWindowNear,
  type LineView,
  lockLine,
  probeAtOnce,
  readLine,
  saveLine,
  wakeHeldBack,
} from '../db/seam-line.ts';
import type { SeamApi } from '../seam/api.ts';
import type { SeamFailure, SeamResult } from '../seam/errors.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';

/** Seam behind the gate: a failure of kind `held_back` says that a call was not made. */
export interface GatedSeam extends SeamApi {
  /**
   * Takes the right to create a code, before its row is claimed: a row that gets none stays as it is. `createCode` itself is
   * not held back any more.
   */
  admitCreate(deviceId: string, codeId: string): Promise<SeamResult<null>>;
  /**
   * The list for who goes on without it. While the line is not clear it is not asked for, and it tells nothing of the line: what is
   * asked next does. Or a list that alone does not answer would hold back all else, and be the one call that finds that out.
   */
  glanceAtManagedCodes: SeamApi['listManagedCodes'];
}

// Seam's own limits are counted by the minute.
const blockedMs = 60_000;
const nearMs = 15 * 60_000;

type GateDeps = Pick<FlowDeps, 'db' | 'now' | 'random' | 'log' | 'settleMs' | 'telemetry'>;

export function gateSeam(seam: SeamApi, deps: GateDeps): GatedSeam {
  const { prisma } = deps.db;
  // What was seen last: an answer is written down only where it changes something.
  let isTroubled = false;

  function heldBack(by: 'line' | 'slot', message: string, retryAfterMs: number): SeamResult<never> {
    deps.telemetry.meter.seamHeldBack(by);
    return { ok: false, failure: { kind: 'held_back', by, message, retryAfterMs } };
  }

  /** Whether a line lets this caller through, be it to try it. */
  async function passes(line: LineView, call: SeamCall): Promise<boolean> {
    isTroubled = line.state !== 'clear' || line.failures > 0;
    // No door stays open because others were not answered: a removal is asked for, and has a backoff of its own.
    if (line.state === 'clear' || (line.state === 'silent' && call === 'delete')) return true;
    const now = deps.now();
    return line.probeAt !== null && line.probeAt <= now && claimProbe(prisma, now, probeLeaseMs);
  }

  async function closed(line: LineView, call: SeamCall): Promise<SeamResult<never>> {
    const now = deps.now();
    const waiting = await countWaiting(prisma, now, waitingMax);
    return heldBack('line', heldBackReasons[line.state], heldBackMs(line, call, now, deps.random, waiting));
  }

  async function admitRead(): Promise<SeamResult<null>> {
    const line = await readLine(prisma);
    return (await passes(line, 'read')) ? admitted : closed(line, 'read');
  }

  async function glance<T>(call: () => Promise<SeamResult<T>>): Promise<SeamResult<T>> {
    const line = await readLine(prisma);
    return line.state === 'clear' ? call() : closed(line, 'read');
  }

  async function admit(kind: LimitedCall, deviceId: string, name: CodeName): Promise<SeamResult<null>> {
    const now = deps.now();
    const slot = await takeSlot(prisma, { kind, deviceId, name, now });
    const { line, blockedUntil } = slot;
    const isTried = line.state === 'clear' || (line.probeAt !== null && line.probeAt <= now);
    if (isTried && !slot.isTaken) {
      const untilMs = (blockedUntil ?? now).getTime() - now.getTime();
      const waitMs = slotWaitMs(callsAMinute[kind], slot.callsAt, slot.ahead, now);
      return heldBack('slot', waitsForSlot, Math.max(untilMs, waitMs));
    }
    return (await passes(line, kind)) ? admitted : closed(line, kind);
  }

  async function noted<T>(call: SeamCall, deviceId: string, result: SeamResult<T>): Promise<SeamResult<T>> {
    const sign = result.ok ? 'answer' : signs[result.failure.kind];
    if (sign !== 'answer' || isTroubled) await noteOutcome(deps, { call, deviceId, sign });
    if (!result.ok && result.failure.kind === 'rate_limited' && call !== 'read') {
      const until = new Date(deps.now().getTime() + (result.failure.retryAfterMs ?? blockedMs));
      await blockCalls(prisma, deviceId, call, until);
    }
    return result;
  }

  async function read<T>(deviceId: string, call: () => Promise<SeamResult<T>>): Promise<SeamResult<T>> {
    const may = await admitRead();
    return may.ok ? noted('read', deviceId, await call()) : may;
  }

  async function write<T>(
    kind: LimitedCall,
    { deviceId, accessCodeId }: { deviceId: string; accessCodeId: string },
    call: () => Promise<SeamResult<T>>,
  ): Promise<SeamResult<T>> {
    const may = await admit(kind, deviceId, { accessCodeId });
    return may.ok ? noted(kind, deviceId, await call()) : may;
  }

  return {
    admitCreate: (deviceId, codeId) => admit('create', deviceId, { codeId }),
    createCode: async (request) => noted('create', request.deviceId, await seam.createCode(request)),
    updateCode: (request) => write('update', request, () => seam.updateCode(request)),
    deleteCode: (code) => write('delete', code, () => seam.deleteCode(code)),
    // It gives out a code that is on the lock already: a write to Seam, but none that a door's limits count.
    pullBackupCode: (code) => read(code.deviceId, () => seam.pullBackupCode(code)),
    getCode: (code) => read(code.deviceId, () => seam.getCode(code)),
    listCodes: (deviceId) => read(deviceId, () => seam.listCodes(deviceId)),
    glanceAtManagedCodes: (deviceId) => glance(() => seam.listManagedCodes(deviceId)),
    listManagedCodes: (deviceId) => read(deviceId, () => seam.listManagedCodes(deviceId)),
    // About no door: its silence counts for the line like that of one.
    listEvents: (request) => read('', () => seam.listEvents(request)),
    listDevices: () => read('', () => seam.listDevices()),
    getDevice: (deviceId) => read(deviceId, () => seam.getDevice(deviceId)),
  };
}

const admitted = { ok: true, value: null } as const;

const signs: Readonly<Record<SeamFailure['kind'], CallOutcome['sign']>> = {
  unauthorized: 'refusal',
  unknown: 'silence',
  rejected: 'answer',
  device_not_found: 'answer',
  code_not_found: 'answer',
  duplicate: 'answer',
  rate_limited: 'answer',
  // Of calls that were not made there is none.
  held_back: 'answer',
};

/** Has a line that is not clear tried at once: what was wrong may have been mended by a restart. */
export async function tryAtOnce(deps: GateDeps): Promise<void> {
  const now = deps.now();
  if (await probeAtOnce(deps.db.prisma, now)) await wakeHeldBack(deps.db.prisma, now, deps.settleMs);
}

/** Keeps what a call tells of the line, and tells people when it changes. */
async function noteOutcome(deps: GateDeps, outcome: CallOutcome): Promise<void> {
  const now = deps.now();
  const entry = await deps.db.prisma.$transaction(async (tx) => {
    const line = await lockLine(tx);
    const isSilence = outcome.sign === 'silence';
    const near = isSilence && (await isWindowNear(tx, now, new Date(now.getTime() + nearMs)));
    const devices = isSilence ? await countDevices(tx, silentDevices) : 0;
    const next = afterCall(line, outcome, { now, random: deps.random, isWindowNear: near, devices });
    if (next === line) return null;
    await saveLine(tx, next);
    if (next.state === line.state) return null;
    const changed = lineEntry(next, now);
    await insertHistory(tx, changed);
    if (next.state === 'clear') await wakeHeldBack(tx, now, deps.settleMs);
    return changed;
  });
  if (entry !== null) logEntry(deps.log, entry);
}

function lineEntry({ state, failures }: SeamLine, at: Date): HistoryEntry {
  switch (state) {
    case 'clear':
      return { at, kind: 'seam.resumed', message: 'Seam answers and takes our key again: calls go on.' };
    case 'silent': {
      const message = `Seam does not answer: ${failures} calls in a row failed, at several doors or at all that there are. One call at a time finds out when it does; nothing is given up.`;
      return { at, kind: 'seam.paused', aspect: state, message, detail: { outcome: state } };
    }
    case 'refused': {
      const message =
        'Seam refuses our API key. Check SEAM_API_KEY, and restart; until then one call a minute finds out whether it is taken, and nothing is given up.';
      return { at, kind: 'seam.paused', aspect: state, alert: true, message, detail: { outcome: state } };
    }
  }
}
