import type { SeamEvent } from 'seam';

/** What an event about an access code tells. */
export type CodeNews =
  /** It left the lock, or its object was deleted. */
  | 'gone'
  /** The lock holds it. */
  | 'ready'
  | 'setting_trouble'
  | 'removing_trouble'
  /** It is not as it was: whether that was us is seen by asking Seam. */
  | 'changed'
  /** Somebody took it off in the lock's own app, and Seam sets it again. */
  | 'taken_off'
  | 'backup_pulled'
  | 'note';

// What each event about an access code means to us. The compiler proves that none of the SDK's is left out.
export const accessCodeEvents = {
  'access_code.removed_from_device': 'gone',
  'access_code.deleted': 'gone',
  'access_code.set_on_device': 'ready',
  'access_code.scheduled_on_device': 'ready',
  'access_code.delay_in_setting_on_device': 'setting_trouble',
  'access_code.failed_to_set_on_device': 'setting_trouble',
  'access_code.delay_in_removing_from_device': 'removing_trouble',
  'access_code.failed_to_remove_from_device': 'removing_trouble',
  'access_code.changed': 'changed',
  'access_code.code_changed': 'changed',
  'access_code.time_frame_changed': 'changed',
  'access_code.modified_external_to_seam': 'changed',
  'access_code.deleted_external_to_seam': 'taken_off',
  'access_code.backup_access_code_pulled': 'backup_pulled',
  'access_code.created': 'note',
  'access_code.mutations_requested': 'note',
  'access_code.name_changed': 'note',
} as const satisfies Record<ManagedCodeEventType, CodeNews>;

/** The types that tell that the lock holds a code, and those that tell that it does not. */
export const readyEvents: readonly string[] = typesOf('ready');
export const notReadyEvents: readonly string[] = typesOf('setting_trouble', 'taken_off');
/** Those that tell that a code is gone. */
export const goneEvents: readonly string[] = typesOf('gone');

function typesOf(...wanted: readonly CodeNews[]): string[] {
  return Object.entries(accessCodeEvents)
    .filter(([, news]) => wanted.includes(news))
    .map(([type]) => type);
}

/** What a device is away by. */
export type AwayBecause = 'disconnected' | 'removed';

// Whether Seam can reach a device, or has it at all; null: it can. Returned: it can now, and may have lost it before.
export const deviceEvents = {
  'device.disconnected': 'disconnected',
  'device.removed': 'removed',
  'device.deleted': 'removed',
  'device.converted_to_unmanaged': 'removed',
  'device.connected': null,
  'device.added': 'returned',
  'device.unmanaged.converted_to_managed': 'returned',
} as const satisfies Partial<Record<EventType, AwayBecause | 'returned' | null>>;

// The same for every device of an account.
export const accountEvents = {
  'connected_account.disconnected': 'disconnected',
  'connected_account.deleted': 'removed',
  'connected_account.connected': null,
  'connected_account.completed_first_sync_after_reconnection': null,
} as const satisfies Partial<Record<EventType, AwayBecause | null>>;

const usedEvents = { ...accessCodeEvents, ...deviceEvents, ...accountEvents };

/** What is re-read from Seam: the types that lead to anything. */
export const usedEventTypes: readonly (keyof typeof usedEvents)[] = Object.keys(usedEvents).filter(
  (type): type is keyof typeof usedEvents => Object.hasOwn(usedEvents, type),
);

// Known to the SDK and of no use here: told apart from types that are newer than the SDK, so that a log says which.
export const unusedEventTypes: ReadonlySet<string> = new Set([
  'access_code.unmanaged.converted_to_managed',
  'access_code.unmanaged.created',
  'access_code.unmanaged.failed_to_convert_to_managed',
  'access_code.unmanaged.removed',
  'access_grant.access_granted_to_all_doors',
  'access_grant.access_granted_to_door',
  'access_grant.access_times_changed',
  'access_grant.access_to_door_lost',
  'access_grant.could_not_create_requested_access_methods',
  'access_grant.created',
  'access_grant.deleted',
  'access_method.card_encoding_required',
  'access_method.created',
  'access_method.delay_in_issuing',
  'access_method.deleted',
  'access_method.failed_to_issue',
  'access_method.issued',
  'access_method.reissued',
  'access_method.revoked',
  'acs_access_group.deleted',
  'acs_credential.deleted',
  'acs_credential.invalidated',
  'acs_credential.issued',
  'acs_credential.reissued',
  'acs_encoder.added',
  'acs_encoder.removed',
  'acs_entrance.added',
  'acs_entrance.removed',
  'acs_system.added',
  'acs_system.connected',
  'acs_system.disconnected',
  'acs_user.created',
  'acs_user.deleted',
  'action_attempt.lock_door.failed',
  'action_attempt.lock_door.succeeded',
  'action_attempt.simulate_keypad_code_entry.failed',
  'action_attempt.simulate_keypad_code_entry.succeeded',
  'action_attempt.simulate_manual_lock_via_keypad.failed',
  'action_attempt.simulate_manual_lock_via_keypad.succeeded',
  'action_attempt.unlock_door.failed',
  'action_attempt.unlock_door.succeeded',
  'camera.activated',
  'client_session.deleted',
  'connect_webview.login_failed',
  'connect_webview.login_succeeded',
  'connected_account.completed_first_sync',
  'connected_account.created',
  'connected_account.reauthorization_requested',
  'connected_account.successful_login',
  'device.accessory_keypad_connected',
  'device.accessory_keypad_disconnected',
  'device.battery_status_changed',
  'device.connection_became_flaky',
  'device.connection_stabilized',
  'device.doorbell_rang',
  'device.error.subscription_required',
  'device.error.subscription_required.resolved',
  'device.low_battery',
  'device.name_changed',
  'device.salto.privacy_mode_activated',
  'device.salto.privacy_mode_deactivated',
  'device.tampered',
  'device.third_party_integration_detected',
  'device.third_party_integration_no_longer_detected',
  'device.unmanaged.connected',
  'device.unmanaged.disconnected',
  'lock.access_denied',
  'lock.locked',
  'lock.unlocked',
  'noise_sensor.noise_threshold_triggered',
  'phone.deactivated',
  'space.created',
  'space.deleted',
  'space.device_membership_changed',
  'thermostat.climate_preset_activated',
  'thermostat.manually_adjusted',
  'thermostat.temperature_changed',
  'thermostat.temperature_reached_set_point',
  'thermostat.temperature_threshold_exceeded',
  'thermostat.temperature_threshold_no_longer_exceeded',
] satisfies UnusedEventType[]);

type EventType = SeamEvent['event_type'];
/** Codes that are not managed by this workspace are nobody's of ours. */
type UnmanagedCodeEventType = Extract<EventType, `access_code.unmanaged.${string}`>;
type ManagedCodeEventType = Exclude<Extract<EventType, `access_code.${string}`>, UnmanagedCodeEventType>;
type UnusedEventType = Exclude<
  EventType,
  ManagedCodeEventType | keyof typeof deviceEvents | keyof typeof accountEvents
>;
