import type { Device } from 'seam';
import type { Code } from './access-code.ts';
import { invalidInput } from './failure.ts';
import { Lock } from './lock.ts';

/** A limit that a lock sets to PINs and names, as Seam writes it. */
export type CodeConstraint = NonNullable<Device['properties']['code_constraints']>[number];

/** What a test says of a device; everything but the id may be left out. */
export interface DeviceSpec {
  readonly device_id: string;
  readonly name?: string;
  readonly device_type?: Device['device_type'];
  /** Whether the lock knows times: loaded up to 72 h ahead, opens and closes by itself. Default true. */
  readonly native_scheduling?: boolean;
  readonly code_constraints?: readonly CodeConstraint[];
  readonly supported_code_lengths?: readonly number[];
  /** Null: the device tells no zone. */
  readonly time_zone?: string | null;
  /** How many codes fit on the lock. */
  readonly max_active_codes?: number;
  /** The kinds of windows that fit; others are not refused: Seam tells them only. */
  readonly time_frame_options?: Device['properties']['online_time_frame_options'];
  readonly online?: boolean;
  readonly can_program_online_access_codes?: boolean;
  /** Whether Seam keeps a pool of backup codes for it. */
  readonly backup_access_code_pool?: boolean;
  /** By how much Seam widens `ends_at`, as it does for an unknown zone around a change of the clock. */
  readonly widens_ends_at_by_ms?: number;
}

/** A device and what hangs on it. */
export interface SimulatedDevice {
  readonly id: string;
  readonly spec: DeviceSpec;
  readonly lock: Lock;
  readonly codes: Set<Code>;
  readonly codesByPin: Map<string, Set<Code>>;
  /** Codes that found the lock full. */
  readonly waitingForSpace: Set<Code>;
  readonly createdAt: number;
  readonly isNative: boolean;
  isOnline: boolean;
  offlineSince: number | null;
  isRemoved: boolean;
}

export function createDevice(spec: DeviceSpec, now: number, opensAtProgramming: boolean): SimulatedDevice {
  const isNative = spec.native_scheduling ?? true;
  const isOnline = spec.online ?? true;
  return {
    id: spec.device_id,
    spec,
    lock: new Lock({ knowsTimes: isNative, opensAtOnce: !isNative && opensAtProgramming }),
    codes: new Set(),
    codesByPin: new Map(),
    waitingForSpace: new Set(),
    createdAt: now,
    isNative,
    isOnline,
    offlineSince: isOnline ? null : now,
    isRemoved: false,
  };
}

export interface Place {
  readonly workspaceId: string;
  readonly connectedAccountId: string;
  readonly isAccountConnected: boolean;
}

function deviceErrors(device: SimulatedDevice, place: Place): Device['errors'] {
  const errors: Device['errors'] = [];
  const created_at = new Date(device.offlineSince ?? device.createdAt).toISOString();
  if (!device.isOnline) {
    errors.push({ error_code: 'device_offline', is_device_error: true, created_at, message: 'Device is offline' });
  }
  if (!place.isAccountConnected) {
    errors.push({
      error_code: 'account_disconnected',
      is_connected_account_error: true,
      is_device_error: false,
      created_at,
      message: 'Account is disconnected',
    });
  }
  return errors;
}

/** The device as the API returns it. */
export function renderDevice(device: SimulatedDevice, place: Place): Device {
  const { spec } = device;
  const name = spec.name ?? spec.device_id;
  const canProgram = spec.can_program_online_access_codes ?? true;
  const hasPool = spec.backup_access_code_pool ?? false;
  return {
    device_id: spec.device_id,
    device_type: spec.device_type ?? (device.isNative ? 'schlage_lock' : 'smartthings_lock'),
    display_name: name,
    nickname: name,
    capabilities_supported: ['access_code', 'lock'],
    can_program_online_access_codes: canProgram,
    can_program_offline_access_codes: false,
    can_remotely_lock: true,
    can_remotely_unlock: true,
    connected_account_id: place.connectedAccountId,
    workspace_id: place.workspaceId,
    created_at: new Date(device.createdAt).toISOString(),
    custom_metadata: {},
    is_managed: true,
    space_ids: [],
    errors: deviceErrors(device, place),
    warnings: [],
    ...(spec.time_zone !== null && {
      location: { time_zone: spec.time_zone ?? 'Etc/UTC', timezone: spec.time_zone ?? 'Etc/UTC' },
    }),
    properties: {
      name,
      appearance: { name },
      model: {
        display_name: 'Simulated lock',
        manufacturer_display_name: 'Simulator',
        online_access_codes_supported: canProgram,
      },
      online: device.isOnline && place.isAccountConnected,
      online_access_codes_enabled: canProgram,
      supported_code_lengths: [...supportedLengths(spec)],
      code_constraints: [...(spec.code_constraints ?? [])],
      supports_backup_access_code_pool: hasPool,
      backup_access_code_pool_enabled: hasPool,
      ...(spec.time_frame_options !== undefined && { online_time_frame_options: spec.time_frame_options }),
      ...(spec.max_active_codes !== undefined && { max_active_codes_supported: spec.max_active_codes }),
    },
  };
}

const everyLength = [4, 5, 6, 7, 8] as const;

function supportedLengths(spec: DeviceSpec): readonly number[] {
  return spec.supported_code_lengths ?? everyLength;
}

const steps = (pin: string): number[] => [...pin].slice(1).map((digit, index) => Number(digit) - Number(pin[index]));

/** What a PIN must not be, by constraint; the others concern names, times, or what Seam alone knows. */
const breaksConstraint: Partial<Record<CodeConstraint['constraint_type'], (pin: string) => boolean>> = {
  no_zeros: (pin) => pin.includes('0'),
  cannot_start_with_12: (pin) => pin.startsWith('12'),
  no_triple_consecutive_ints: (pin) =>
    steps(pin).some((step, index, all) => Math.abs(step) === 1 && all[index + 1] === step),
  no_ascending_or_descending_sequence: (pin) =>
    steps(pin).every((step) => step === 1) || steps(pin).every((step) => step === -1),
  at_least_three_unique_digits: (pin) => new Set(pin).size < 3,
  cannot_contain_089: (pin) => /[089]/.test(pin),
  cannot_contain_0789: (pin) => /[0789]/.test(pin),
  no_all_same_digits: (pin) => new Set(pin).size === 1,
};

const isAllowed = (device: SimulatedDevice, pin: string): boolean =>
  !(device.spec.code_constraints ?? []).some(
    ({ constraint_type }) =>
      breaksConstraint[constraint_type]?.(pin) === true ||
      (constraint_type === 'unique_first_four_digits' && sharesFirstFour(device, pin)),
  );

function sharesFirstFour(device: SimulatedDevice, pin: string): boolean {
  return [...device.codesByPin.keys()].some((other) => other !== pin && other.startsWith(pin.slice(0, 4)));
}

const hasConstraint = (device: SimulatedDevice, type: CodeConstraint['constraint_type']): boolean =>
  (device.spec.code_constraints ?? []).some((constraint) => constraint.constraint_type === type);

/** Throws 400 for a PIN that the device cannot take. */
export function assertPinFits(device: SimulatedDevice, pin: string): void {
  if (hasConstraint(device, 'cannot_specify_pin_code')) {
    throw invalidInput('code', 'This device does not accept a custom code');
  }
  if (!/^\d{4,12}$/.test(pin)) throw invalidInput('code', 'Code must be 4 to 12 digits');
  if (!supportedLengths(device.spec).includes(pin.length)) {
    throw invalidInput('code', `Code must have one of these lengths: ${supportedLengths(device.spec).join(', ')}`);
  }
  if (!isAllowed(device, pin)) throw invalidInput('code', 'Code violates the constraints of this device');
}

/** Throws 400 for a name that the device cannot take. */
export function assertNameFits(device: SimulatedDevice, name: string | null, self: Code | null): void {
  for (const constraint of device.spec.code_constraints ?? []) {
    if (constraint.constraint_type === 'name_length' && name !== null) {
      const { min_length: min = 0, max_length: max = Number.POSITIVE_INFINITY } = constraint;
      if (name.length < min || name.length > max) throw invalidInput('name', 'Name is too short or too long');
    }
    const isTaken = (): boolean => [...device.codes].some((code) => code !== self && code.name === name);
    if (constraint.constraint_type === 'name_must_be_unique' && name !== null && isTaken()) {
      throw invalidInput('name', 'Name must be unique on this device');
    }
  }
}

/** Throws 400 where the device takes only windows that begin later than now. */
export function assertStartFits(device: SimulatedDevice, startsAt: number | null, now: number): void {
  if (startsAt !== null && startsAt <= now && hasConstraint(device, 'start_date_in_future')) {
    throw invalidInput('starts_at', 'starts_at must be in the future for this device');
  }
}

/** A PIN as Seam would choose it: free and allowed on the device. */
export function choosePin(device: SimulatedDevice, random: () => number, preferredLength: number | undefined): string {
  const lengths = supportedLengths(device.spec);
  const length =
    preferredLength !== undefined && lengths.includes(preferredLength) ? preferredLength : Math.min(...lengths);
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const pin = Array.from({ length }, () => Math.floor(random() * 10)).join('');
    if (isAllowed(device, pin) && !device.codesByPin.has(pin)) return pin;
  }
  throw invalidInput('code', 'No free code could be found for this device');
}
