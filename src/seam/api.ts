import { Seam, type SeamEvent } from 'seam';
import { z } from 'zod';
import type { DeviceFacts, TimeFrame } from '../core/device.ts';
import { durationMs } from '../core/device-fit.ts';
import { isTimeZone } from '../core/zone.ts';
import { type SeamResult, toSeamFailure } from './errors.ts';
import { requestIdsOf, type SeamAnswer } from './request-ids.ts';

/** An access code as Seam shows it; snake_case stays behind this file. */
export interface SeamCode {
  readonly accessCodeId: string;
  readonly name: string | null;
  /** The PIN, a secret; null where the lock draws it and has not yet. */
  readonly pin: string | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly createdAt: Date;
  readonly isManaged: boolean;
  /** Seam says that it is on its way off the lock, or cannot get it off. */
  readonly isLeaving: boolean;
  /** Seam's `errors[].error_code`; those of its device or account are not the code's own. */
  readonly errors: readonly { readonly code: string; readonly isOwn: boolean }[];
  /** Seam's `pending_mutations[].mutation_code`: what it has yet to do with it. */
  readonly pending: readonly string[];
}

export interface SeamDevice extends DeviceFacts {
  /** Null where Seam does not say. */
  readonly isOnline: boolean | null;
  /** The account is disconnected or the device gone from it: a missing code then says nothing. */
  readonly isAway: boolean;
}

/** A code that Seam has, and its device: limits are counted for each. */
export interface CodeRef {
  readonly deviceId: string;
  readonly accessCodeId: string;
}

/** Every call that Relatch makes. None throws for what Seam or the network does; none is repeated by itself. */
export interface SeamApi {
  createCode(request: {
    deviceId: string;
    name: string;
    /** Null: the lock draws its own. */
    pin: string | null;
    startsAt: Date;
    endsAt: Date;
  }): Promise<SeamResult<SeamCode>>;
  /** Only for active or upcoming codes; safe to repeat. */
  updateCode(
    request: CodeRef & {
      startsAt: Date;
      endsAt: Date;
      /** Absent: it keeps the one that it has. */
      pin?: string | undefined;
    },
  ): Promise<SeamResult<null>>;
  /** Asynchronous on the lock; safe to repeat, `code_not_found` means done. */
  deleteCode(code: CodeRef): Promise<SeamResult<null>>;
  getCode(code: CodeRef): Promise<SeamResult<SeamCode>>;
  /** Hands out a backup code for the same window, which ends with it; asked again, the same one. */
  pullBackupCode(code: CodeRef): Promise<SeamResult<SeamCode>>;
  /** All codes on a device that Seam knows, managed and unmanaged; without those of its backup pool, which bear others' names. */
  listCodes(deviceId: string): Promise<SeamResult<readonly SeamCode[]>>;
  /** The codes on a device that clients of the workspace made, likewise. */
  listManagedCodes(deviceId: string): Promise<SeamResult<readonly SeamCode[]>>;
  getDevice(deviceId: string): Promise<SeamResult<SeamDevice>>;
  /** Every device of the workspace. */
  listDevices(): Promise<SeamResult<readonly SeamDevice[]>>;
  /** A page of the events of a span, in an order that Seam does not promise; as they would have been pushed, PINs included. */
  listEvents(request: {
    from: Date;
    to: Date;
    types: readonly SeamEvent['event_type'][];
    offset: number;
    limit: number;
  }): Promise<SeamResult<readonly unknown[]>>;
}

const Items = z.array(z.looseObject({})).catch([]);
const wordOf = (items: z.infer<typeof Items>, key: string): string[] =>
  items.flatMap((item) => (typeof item[key] === 'string' ? [item[key]] : []));
const Instant = z
  .string()
  .transform((text) => new Date(text))
  .refine((at) => !Number.isNaN(at.getTime()), 'not an instant');

const Code = z.object({
  access_code_id: z.string(),
  name: z.string().nullish(),
  code: z.string().nullish(),
  starts_at: Instant.nullish(),
  ends_at: Instant.nullish(),
  created_at: Instant,
  is_managed: z.boolean(),
  pending_mutations: Items,
  errors: Items,
  warnings: Items,
});

const TimeFrames = z.object({
  display_name: z.string().catch(''),
  min_duration: z.string().optional(),
  max_duration: z.string().optional(),
  matching_start_end_time: z.boolean().optional(),
  time_pairs: z.array(z.object({ start_time: z.string(), end_time: z.string() })).optional(),
  time_zone: z.string().optional(),
});

const Device = z.object({
  device_id: z.string(),
  display_name: z.string().catch(''),
  connected_account_id: z.string().nullish().catch(null),
  location: z.looseObject({ time_zone: z.string().nullish() }).nullish().catch(null),
  errors: Items,
  can_program_online_access_codes: z.boolean().nullish().catch(null),
  capabilities_supported: z.array(z.string()).nullish().catch(null),
  properties: z
    .looseObject({
      online: z.boolean().optional().catch(undefined),
      max_active_codes_supported: z.number().optional().catch(undefined),
      online_time_frame_options: z.array(TimeFrames).optional().catch(undefined),
      name: z.string().optional().catch(undefined),
      backup_access_code_pool_enabled: z.boolean().optional().catch(undefined),
      supported_code_lengths: z.array(z.number()).optional().catch(undefined),
      code_constraints: z
        .array(z.looseObject({ constraint_type: z.string(), max_length: z.number().optional() }))
        .catch([]),
    })
    .catch({ code_constraints: [] }),
});

// https://docs.seam.co: resources/access-code and resources/device, `errors[].error_code` and `warnings[].warning_code`.
const leavingCodes = new Set([
  'being_deleted',
  'delay_in_removing_from_device',
  'failed_to_remove_from_device',
  'failed_to_remove',
]);
const awayCodes = new Set(['account_disconnected', 'device_removed']);

function toCode(raw: unknown): SeamCode {
  const code = Code.parse(raw);
  const signs = [...wordOf(code.errors, 'error_code'), ...wordOf(code.warnings, 'warning_code')];
  const pending = wordOf(code.pending_mutations, 'mutation_code');
  return {
    accessCodeId: code.access_code_id,
    name: code.name ?? null,
    pin: code.code ?? null,
    startsAt: code.starts_at ?? null,
    endsAt: code.ends_at ?? null,
    createdAt: code.created_at,
    isManaged: code.is_managed,
    isLeaving: pending.includes('deleting') || signs.some((sign) => leavingCodes.has(sign)),
    errors: code.errors.flatMap((error) =>
      wordOf([error], 'error_code').map((word) => ({ code: word, isOwn: error['is_access_code_error'] === true })),
    ),
    pending,
  };
}

function toDevice(raw: unknown): SeamDevice {
  const device = Device.parse(raw);
  const constraints = device.properties.code_constraints;
  return {
    deviceId: device.device_id,
    name: device.display_name || device.properties.name || device.device_id,
    timezone: device.location?.time_zone ?? null,
    pinLengths: device.properties.supported_code_lengths ?? null,
    constraints: constraints.map((constraint) => constraint.constraint_type),
    nameLengthMax: constraints.find(({ constraint_type }) => constraint_type === 'name_length')?.max_length ?? null,
    connectedAccountId: device.connected_account_id ?? null,
    hasBackupPool: device.properties.backup_access_code_pool_enabled ?? false,
    isOnline: device.properties.online ?? null,
    // A thermostat tells nothing of codes; a lock whose flag is missing may still take some.
    canProgram:
      device.can_program_online_access_codes ?? device.capabilities_supported?.includes('access_code') ?? true,
    codesMax: device.properties.max_active_codes_supported ?? null,
    timeFrames: device.properties.online_time_frame_options?.map(toTimeFrame) ?? null,
    isAway: device.errors.some(({ error_code }) => typeof error_code === 'string' && awayCodes.has(error_code)),
  };
}

function toTimeFrame(frame: z.infer<typeof TimeFrames>): TimeFrame {
  const zone = frame.time_zone;
  return {
    name: frame.display_name,
    minMs: frame.min_duration === undefined ? null : durationMs(frame.min_duration),
    maxMs: frame.max_duration === undefined ? null : durationMs(frame.max_duration),
    hasMatchingTimes: frame.matching_start_end_time ?? false,
    pairs: frame.time_pairs?.map(({ start_time, end_time }) => ({ from: start_time, to: end_time })) ?? null,
    timezone: zone !== undefined && isTimeZone(zone) ? zone : null,
  };
}

// One call lasts no longer than this in all, so that a worker's job ends well within its heartbeat's reach.
const callTimeoutMs = 8_000;

/** More than ten thousand devices take; what is longer is no answer of Seam's, and must not fill the memory. */
const answerBytesMax = 64_000_000;
/** A call that is about to be made, as it is told of. */
export interface SeamCallAbout {
  /** Seam's own name of it, such as /access_codes/create. */
  readonly route: string;
  readonly isWrite: boolean;
  readonly deviceId?: string | undefined;
  readonly accessCodeId?: string | undefined;
}

/** Stands around every call, and hands on what it answered. */
export type SeamWatch = <T>(about: SeamCallAbout, ask: () => Promise<SeamAnswer<T>>) => Promise<SeamResult<T>>;

const unwatched: SeamWatch = async (_about, ask) => (await ask()).result;

/** The real SDK over HTTP. Its own retries are off: what is repeated, when and after which look-up is decided by our rows. */
export function createSeamApi(
  options: { apiKey: string; endpoint?: string | undefined },
  watch: SeamWatch = unwatched,
): SeamApi {
  const seam = new Seam({
    apiKey: options.apiKey,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    timeout: callTimeoutMs,
    axiosRetryOptions: { retries: 0 },
    axiosOptions: { maxContentLength: answerBytesMax },
  });
  const requests = requestIdsOf(seam);
  const attempt = <T>(subject: 'device' | 'code', about: Omit<SeamCallAbout, 'isWrite'>, call: () => Promise<T>) =>
    watch({ ...about, isWrite: writes.has(about.route) }, () => requests.of(() => outcomeOf(subject, call)));
  return {
    createCode: ({ deviceId, name, pin, startsAt, endsAt }) =>
      attempt('device', { route: '/access_codes/create', deviceId }, async () =>
        toCode(
          await seam.accessCodes.create({
            device_id: deviceId,
            name,
            ...(pin === null ? {} : { code: pin }),
            starts_at: startsAt.toISOString(),
            ends_at: endsAt.toISOString(),
          }),
        ),
      ),
    updateCode: ({ deviceId, accessCodeId, startsAt, endsAt, pin }) =>
      attempt('code', { route: '/access_codes/update', deviceId, accessCodeId }, async () => {
        await seam.accessCodes.update({
          access_code_id: accessCodeId,
          ...(pin === undefined ? {} : { code: pin }),
          starts_at: startsAt.toISOString(),
          ends_at: endsAt.toISOString(),
        });
        return null;
      }),
    deleteCode: ({ deviceId, accessCodeId }) =>
      attempt('code', { route: '/access_codes/delete', deviceId, accessCodeId }, async () => {
        await seam.accessCodes.delete({ access_code_id: accessCodeId });
        return null;
      }),
    getCode: ({ deviceId, accessCodeId }) =>
      attempt('code', { route: '/access_codes/get', deviceId, accessCodeId }, async () =>
        toCode(await seam.accessCodes.get({ access_code_id: accessCodeId })),
      ),
    pullBackupCode: ({ deviceId, accessCodeId }) =>
      attempt('code', { route: '/access_codes/pull_backup_access_code', deviceId, accessCodeId }, async () =>
        toCode(await seam.accessCodes.pullBackupAccessCode({ access_code_id: accessCodeId })),
      ),
    listCodes: (deviceId) =>
      attempt('device', { route: '/access_codes/list', deviceId }, async () => {
        const [managed, unmanaged] = await Promise.all([
          seam.accessCodes.list({ device_id: deviceId }),
          seam.accessCodes.unmanaged.list({ device_id: deviceId }),
        ]);
        return [...managed.filter(({ is_backup }) => is_backup !== true), ...unmanaged].map(toCode);
      }),
    listManagedCodes: (deviceId) =>
      attempt('device', { route: '/access_codes/list', deviceId }, async () => {
        const managed = await seam.accessCodes.list({ device_id: deviceId });
        return managed.filter(({ is_backup }) => is_backup !== true).map(toCode);
      }),
    listEvents: ({ from, to, types, offset, limit }) =>
      attempt('device', { route: '/events/list' }, () =>
        seam.events.list({
          between: [from.toISOString(), to.toISOString()],
          event_types: [...types],
          unstable_offset: offset,
          limit,
        }),
      ),
    getDevice: (deviceId) =>
      attempt('device', { route: '/devices/get', deviceId }, async () =>
        toDevice(await seam.devices.get({ device_id: deviceId })),
      ),
    listDevices: () =>
      attempt('device', { route: '/devices/list' }, async () => (await seam.devices.list()).map(toDevice)),
  };
}

const writes = new Set([
  '/access_codes/create',
  '/access_codes/update',
  '/access_codes/delete',
  '/access_codes/pull_backup_access_code',
]);

async function outcomeOf<T>(subject: 'device' | 'code', call: () => Promise<T>): Promise<SeamResult<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ok: false, failure: toSeamFailure(error, subject) };
  }
}
