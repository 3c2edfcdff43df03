// Devices, and why a code does or does not work at one.
import { z } from 'zod';
import type { TimeFrame as DeviceFrame } from '../core/device.ts';
import { explanationText } from '../core/explain.ts';
import { isDeviceUsed } from '../db/views.ts';
import { type DoorExplanation, explain } from '../flows/explain.ts';
import { type DeviceView, findDevice, listDevices } from '../flows/list-devices.ts';
import { type Route, route } from './api-route.ts';
import { Instant, InstantParam, KeyParams } from './api-schemas.ts';
import { Problem } from './problem.ts';

const DeviceId = z.string().min(1).max(100).meta({ description: "Seam's device_id." });
const DeviceParams = z.strictObject({ id: DeviceId });

const TimeFrame = z.object({
  name: z.string(),
  min_minutes: z.number().nullable(),
  max_minutes: z.number().nullable(),
  has_matching_times: z.boolean().meta({ description: 'Begins and ends at the same time of day.' }),
  pairs: z
    .array(z.object({ from: z.string(), to: z.string() }))
    .nullable()
    .meta({ description: 'Local times to choose from; null: no restriction.' }),
  timezone: z.string().nullable(),
});

const Device = z
  .object({
    device_id: z.string(),
    name: z.string(),
    timezone: z.string().nullable(),
    is_online: z.boolean().nullable().meta({ description: 'Null: not known.' }),
    away_since: Instant.nullable().meta({ description: 'Since when Seam cannot reach it, as far as it reported.' }),
    pin_lengths: z.array(z.number()).nullable(),
    constraints: z.array(z.string()).meta({ description: "Seam's constraint_types." }),
    name_length_max: z.number().nullable(),
    codes_max: z.number().nullable(),
    time_frames: z.array(TimeFrame).nullable().meta({
      description: 'The kinds of windows that it takes, one of which must fit; null: no restriction, or not known.',
    }),
    schedule_keys: z.array(z.string()).meta({ description: 'Who uses it.' }),
    codes: z.int().meta({ description: 'How many of our codes it may hold.' }),
    told_at: Instant.nullable().meta({ description: 'When Seam told that; null: it never did.' }),
  })
  .meta({ id: 'Device' });

const NotAsked = z
  .string()
  .nullable()
  .meta({ description: 'Why this is what is remembered, and not from Seam now; null: it is from Seam.' });

function timeFrameOf(frame: DeviceFrame): z.input<typeof TimeFrame> {
  const minutes = (ms: number | null): number | null => (ms === null ? null : ms / 60_000);
  return {
    name: frame.name,
    min_minutes: minutes(frame.minMs),
    max_minutes: minutes(frame.maxMs),
    has_matching_times: frame.hasMatchingTimes,
    pairs: frame.pairs?.map(({ from, to }) => ({ from, to })) ?? null,
    timezone: frame.timezone,
  };
}

function deviceOf(device: DeviceView): z.input<typeof Device> {
  return {
    device_id: device.deviceId,
    name: device.name,
    timezone: device.timezone,
    is_online: device.isOnline,
    away_since: device.awaySince?.toISOString() ?? null,
    pin_lengths: device.pinLengths === null ? null : [...device.pinLengths],
    constraints: [...device.constraints],
    name_length_max: device.nameLengthMax,
    codes_max: device.codesMax,
    time_frames: device.timeFrames?.map(timeFrameOf) ?? null,
    schedule_keys: [...device.scheduleKeys],
    codes: device.codes,
    told_at: device.toldAt?.toISOString() ?? null,
  };
}

const Explanation = z
  .object({
    schedule_key: z.string(),
    device_id: z.string(),
    device_name: z.string().nullable(),
    at: Instant,
    works: z.boolean(),
    cause: z.string().meta({ description: 'Why, as a word for programs.' }),
    answer: z.string().meta({ description: 'Yes or no, and why.' }),
    timeline: z.array(z.object({ at: Instant, text: z.string() })).meta({ description: 'What happened.' }),
    next: z.string().meta({ description: 'What comes next.' }),
    remedy: z.string().meta({ description: 'What a person can do.' }),
    text: z.string().meta({ description: "All of it as people read it, in the schedule's zone." }),
  })
  .meta({ id: 'Explanation' });

const Explanations = z.object({ items: z.array(Explanation) });
const At = InstantParam.optional().meta({ description: 'Now by default.' });

function explanationOf(one: DoorExplanation): z.input<typeof Explanation> {
  return {
    schedule_key: one.scheduleKey,
    device_id: one.deviceId,
    device_name: one.deviceName,
    at: one.at.toISOString(),
    works: one.works,
    cause: one.cause,
    answer: one.answer,
    timeline: one.timeline.map(({ at, text }) => ({ at: at.toISOString(), text })),
    next: one.next,
    remedy: one.remedy,
    text: explanationText(one, one.timezone),
  };
}

function deviceUnknown(id: string): Problem {
  const detail = `Neither Seam nor a schedule has a device ${id}.`;
  return new Problem(404, 'device_unknown', 'There is no such device.', { detail });
}

export const deviceRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/devices',
    operationId: 'listDevices',
    tag: 'Devices',
    summary: 'Devices that take codes, with what they ask of codes and who uses them',
    answer: z.object({ items: z.array(Device), not_asked_because: NotAsked }),
    async run({ deps }) {
      const { devices, notAskedBecause } = await listDevices(deps);
      return { items: devices.map(deviceOf), not_asked_because: notAskedBecause };
    },
  }),
  route({
    method: 'get',
    path: '/devices/{id}',
    operationId: 'getDevice',
    tag: 'Devices',
    summary: 'A device',
    params: DeviceParams,
    problems: { 404: 'There is no such device.' },
    answer: z.object({ ...Device.shape, not_asked_because: NotAsked }),
    async run({ deps, params: { id } }) {
      const found = await findDevice(deps, id);
      if (found === null) throw deviceUnknown(id);
      return { ...deviceOf(found.device), not_asked_because: found.notAskedBecause };
    },
  }),
  route({
    method: 'get',
    path: '/devices/{id}/explain',
    operationId: 'explainDevice',
    tag: 'Devices',
    summary: 'Why the codes of each schedule at a device work or do not, now or at an instant',
    params: DeviceParams,
    query: z.strictObject({ at: At }),
    problems: { 404: 'No schedule is on this device.' },
    answer: Explanations,
    async run({ deps, params: { id }, query: { at } }) {
      if (!(await isDeviceUsed(deps.db.prisma, id))) throw deviceUnknown(id);
      const found = await explain(deps, { about: { deviceId: id }, at: at === undefined ? undefined : new Date(at) });
      return { items: found.map(explanationOf) };
    },
  }),
  route({
    method: 'get',
    path: '/schedules/{key}/explain',
    operationId: 'explainSchedule',
    tag: 'Schedules',
    summary: 'Why the code works or does not at each door of a schedule, now or at an instant',
    params: KeyParams,
    query: z.strictObject({ at: At, device_id: DeviceId.optional() }),
    problems: { 404: 'There is no such schedule.' },
    answer: Explanations,
    async run({ deps, params: { key }, query: { at, device_id: deviceId } }) {
      const found = await explain(deps, {
        about: { key, deviceId },
        at: at === undefined ? undefined : new Date(at),
      });
      return { items: found.map(explanationOf) };
    },
  }),
];
