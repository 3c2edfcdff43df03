import type { SeamEvent } from 'seam';
import { type Code, iso } from './access-code.ts';
import { errorsOf, warningsOf } from './access-code-view.ts';
import type { Place, SimulatedDevice } from './device.ts';

type EventOf<Type extends SeamEvent['event_type']> = Extract<SeamEvent, { event_type: Type }>;
type RequestedMutations = EventOf<'access_code.mutations_requested'>['requested_mutations'];

/** Events of a code that carry nothing but the common fields. */
export type BareCodeEvent =
  | 'access_code.created'
  | 'access_code.removed_from_device'
  | 'access_code.modified_external_to_seam'
  | 'access_code.deleted_external_to_seam'
  | 'access_code.unmanaged.created'
  | 'access_code.unmanaged.removed';

/** Events that tell what is wrong with a code. */
export type TroubleEvent =
  | 'access_code.delay_in_setting_on_device'
  | 'access_code.failed_to_set_on_device'
  | 'access_code.delay_in_removing_from_device'
  | 'access_code.failed_to_remove_from_device';

interface Trouble {
  created_at?: string | undefined;
  message: string;
}

const coded = <Key extends string>(items: (Trouble & Record<Key, string>)[], key: Key, now: number) =>
  items.map((item) => ({ created_at: item.created_at ?? iso(now), message: item.message, [key]: item[key] }));

type ErrorItem = { created_at: string; error_code: string; message: string };
type WarningItem = { created_at: string; warning_code: string; message: string };

/** Writes events exactly as Seam does: the SDK's own types decide which fields each carries. */
export class EventWriter {
  readonly #newId: () => string;
  readonly #place: () => Place;
  readonly #now: () => number;

  constructor(options: { newId: () => string; place: () => Place; now: () => number }) {
    this.#newId = options.newId;
    this.#place = options.place;
    this.#now = options.now;
  }

  bare(code: Code, event_type: BareCodeEvent): SeamEvent {
    return { ...this.#ofCode(code), event_type } satisfies EventOf<BareCodeEvent>;
  }

  onDevice(code: Code, event_type: 'access_code.scheduled_on_device' | 'access_code.set_on_device'): SeamEvent {
    return { ...this.#ofCode(code), event_type, code: code.pin } satisfies EventOf<typeof event_type>;
  }

  deleted(code: Code): SeamEvent {
    return {
      ...this.#ofCode(code),
      event_type: 'access_code.deleted',
      code: code.pin,
    } satisfies EventOf<'access_code.deleted'>;
  }

  backupPulled(code: Code, backup: Code): SeamEvent {
    return {
      ...this.#ofCode(code),
      event_type: 'access_code.backup_access_code_pulled',
      backup_access_code_id: backup.id,
    } satisfies EventOf<'access_code.backup_access_code_pulled'>;
  }

  mutationsRequested(code: Code, requested_mutations: RequestedMutations): SeamEvent {
    return {
      ...this.#ofCode(code),
      event_type: 'access_code.mutations_requested',
      requested_mutations,
    } satisfies EventOf<'access_code.mutations_requested'>;
  }

  /** One event for each change that has reached the device. */
  applied(code: Code, change: Code['changes'][number]): SeamEvent {
    const base = this.#ofCode(code);
    if (change.mutation_code === 'updating_name') {
      return {
        ...base,
        event_type: 'access_code.name_changed',
        description: 'The name of the access code changed.',
        from: change.from,
        to: change.to,
      } satisfies EventOf<'access_code.name_changed'>;
    }
    if (change.mutation_code === 'updating_code') {
      return {
        ...base,
        event_type: 'access_code.code_changed',
        description: 'The PIN of the access code changed.',
        from: change.from,
        to: change.to,
      } satisfies EventOf<'access_code.code_changed'>;
    }
    return {
      ...base,
      event_type: 'access_code.time_frame_changed',
      description: 'The time frame of the access code changed.',
      from: change.from,
      to: change.to,
    } satisfies EventOf<'access_code.time_frame_changed'>;
  }

  changed(code: Code, changes: Code['changes']): SeamEvent {
    const properties = changes.flatMap(({ from, to }) => {
      const before: Record<string, string | null> = from;
      return Object.entries<string | null>(to).map(([property, value]) => ({
        property,
        from: before[property] ?? null,
        to: value,
      }));
    });
    return {
      ...this.#ofCode(code),
      event_type: 'access_code.changed',
      changed_properties: properties,
    } satisfies EventOf<'access_code.changed'>;
  }

  trouble(code: Code, event_type: TroubleEvent): SeamEvent {
    const now = this.#now();
    const errors = errorsOf(code, this.#place());
    const isOfDevice = (error: (typeof errors)[number]): boolean => error.error_code === 'device_offline';
    const isOfAccount = (error: (typeof errors)[number]): boolean => error.error_code === 'account_disconnected';
    const own = errors.filter((error) => !isOfDevice(error) && !isOfAccount(error));
    return {
      ...this.#ofCode(code),
      event_type,
      access_code_errors: coded(own, 'error_code', now) as ErrorItem[],
      access_code_warnings: coded(warningsOf(code), 'warning_code', now) as WarningItem[],
      device_errors: coded(errors.filter(isOfDevice), 'error_code', now) as ErrorItem[],
      device_warnings: [],
      connected_account_errors: coded(errors.filter(isOfAccount), 'error_code', now) as ErrorItem[],
      connected_account_warnings: [],
    } satisfies EventOf<TroubleEvent>;
  }

  device(device: SimulatedDevice, event_type: 'device.connected' | 'device.added' | 'device.removed'): SeamEvent {
    return { ...this.#common(), device_id: device.id, event_type } satisfies EventOf<typeof event_type>;
  }

  deviceDisconnected(device: SimulatedDevice): SeamEvent {
    const error = { error_code: 'device_disconnected', message: 'Device is offline', created_at: iso(this.#now()) };
    return {
      ...this.#common(),
      device_id: device.id,
      event_type: 'device.disconnected',
      error_code: 'device_disconnected',
      device_errors: [error],
      device_warnings: [],
      connected_account_errors: [],
      connected_account_warnings: [],
    } satisfies EventOf<'device.disconnected'>;
  }

  accountConnected(): SeamEvent {
    return {
      ...this.#common(),
      event_type: 'connected_account.connected',
    } satisfies EventOf<'connected_account.connected'>;
  }

  accountDisconnected(): SeamEvent {
    const error = {
      error_code: 'account_disconnected',
      message: 'Account is disconnected',
      created_at: iso(this.#now()),
    };
    return {
      ...this.#common(),
      event_type: 'connected_account.disconnected',
      connected_account_errors: [error],
      connected_account_warnings: [],
    } satisfies EventOf<'connected_account.disconnected'>;
  }

  #ofCode(code: Code) {
    return { ...this.#common(), access_code_id: code.id, device_id: code.device.id };
  }

  #common() {
    const at = iso(this.#now());
    const { workspaceId, connectedAccountId } = this.#place();
    return {
      event_id: this.#newId(),
      workspace_id: workspaceId,
      connected_account_id: connectedAccountId,
      created_at: at,
      occurred_at: at,
    };
  }
}
