// The devices on which codes can be: as Seam has them now, or as they are remembered where it cannot be asked.
import type { DeviceFacts } from '../core/device.ts';
import { type KnownDevice, loadDevices } from '../db/devices.ts';
import { type DeviceUse, deviceUses } from '../db/views.ts';
import type { SeamDevice } from '../seam/api.ts';
import type { FlowDeps } from './flow-deps.ts';

/** A device, and who uses it. */
export interface DeviceView extends DeviceFacts, DeviceUse {
  /** Null where that is not known: Seam could not be asked, or does not say. */
  readonly isOnline: boolean | null;
  /** Since when Seam cannot reach it, as far as it was reported. */
  readonly awaySince: Date | null;
  /** When Seam was asked; null: it never was, or does not have it. */
  readonly toldAt: Date | null;
}

/** What is known, and why it is not from Seam now where it is not. */
export interface DeviceList {
  readonly devices: readonly DeviceView[];
  readonly notAskedBecause: string | null;
}

type ListDeps = Pick<FlowDeps, 'db' | 'seam' | 'now'>;

const unused: DeviceUse = { scheduleKeys: [], codes: 0 };

/** Devices that take codes, and those that schedules have; by name. One call to Seam. */
export async function listDevices(deps: ListDeps): Promise<DeviceList> {
  const { prisma } = deps.db;
  const uses = await deviceUses(prisma);
  const told = await deps.seam.listDevices();
  const remembered = await loadDevices(prisma, [...uses.keys()]);
  const atSeam = new Map(told.ok ? told.value.map((device) => [device.deviceId, device]) : []);
  const ids = new Set([
    ...uses.keys(),
    ...[...atSeam.values()].flatMap(({ deviceId, canProgram }) => (canProgram ? deviceId : [])),
  ]);
  const devices = [...ids].map((id) =>
    viewOf(id, atSeam.get(id), remembered.get(id), uses.get(id) ?? unused, deps.now()),
  );
  devices.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { devices, notAskedBecause: told.ok ? null : told.failure.message };
}

/** One device; null where neither Seam nor a schedule knows it. */
export async function findDevice(
  deps: ListDeps,
  deviceId: string,
): Promise<{ device: DeviceView; notAskedBecause: string | null } | null> {
  const { prisma } = deps.db;
  const use = (await deviceUses(prisma)).get(deviceId);
  const told = await deps.seam.getDevice(deviceId);
  const remembered = (await loadDevices(prisma, [deviceId])).get(deviceId);
  if (!told.ok && use === undefined && remembered === undefined) return null;
  const device = viewOf(deviceId, told.ok ? told.value : undefined, remembered, use ?? unused, deps.now());
  return { device, notAskedBecause: told.ok ? null : told.failure.message };
}

function viewOf(
  deviceId: string,
  atSeam: SeamDevice | undefined,
  remembered: KnownDevice | undefined,
  use: DeviceUse,
  now: Date,
): DeviceView {
  const facts: DeviceFacts = atSeam ?? remembered ?? nothingKnown(deviceId);
  return {
    ...facts,
    ...use,
    isOnline: atSeam?.isOnline ?? null,
    awaySince: remembered?.awaySince ?? null,
    toldAt: atSeam === undefined ? (remembered?.refreshedAt ?? null) : now,
  };
}

function nothingKnown(deviceId: string): DeviceFacts {
  return {
    deviceId,
    name: deviceId,
    timezone: null,
    pinLengths: null,
    constraints: [],
    nameLengthMax: null,
    connectedAccountId: null,
    hasBackupPool: false,
    canProgram: true,
    codesMax: null,
    timeFrames: null,
  };
}
