import { randomUUID } from 'node:crypto';
import type { DeviceSpec } from './device.ts';
import { type Limits, seamLimits } from './limits.ts';
import type { Switches } from './switches.ts';
import type { Timings } from './timings.ts';

/** Where events go. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
  readonly event_types?: readonly string[];
}

export interface SimulatorOptions {
  /** Where virtual time starts, and then stands until it is advanced. Without it, virtual time follows real time. */
  readonly now?: Date;
  readonly apiKey?: string;
  readonly webhook?: WebhookTarget;
  readonly switches?: Partial<Switches>;
  readonly timings?: Partial<Timings>;
  /** Calls a minute and device; false for none. */
  readonly limits?: Partial<Limits> | false;
  /** Makes ids, PINs and chances repeatable. */
  readonly random?: () => number;
  readonly devices?: readonly DeviceSpec[];
  /** Every device id exists as soon as it is asked for. */
  readonly anyDevice?: boolean;
  readonly deliveryTimeoutMs?: number;
  readonly host?: string;
  readonly port?: number;
}

const noLimits: Limits = {
  create: Number.POSITIVE_INFINITY,
  update: Number.POSITIVE_INFINITY,
  delete: Number.POSITIVE_INFINITY,
};

/** Seam's own limits, unless told otherwise. */
export function limitsFrom(limits: Partial<Limits> | false): Limits {
  return limits === false ? noLimits : { ...seamLimits, ...limits };
}

/** Makes UUIDs, from the given randomness where there is one. */
export function idsFrom(random: (() => number) | undefined): () => string {
  if (random === undefined) return randomUUID;
  return () => {
    const bytes = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256)));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
}
