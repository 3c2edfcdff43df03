import type { AccessCode, UnmanagedAccessCode } from 'seam';
import { type Code, isOnLock, iso, isoOrNull, programmingAt } from './access-code.ts';
import type { Place } from './device.ts';

type Mutation = AccessCode['pending_mutations'][number];
type CodeError = AccessCode['errors'][number];
type CodeWarning = AccessCode['warnings'][number];

function status(code: Code, place: Place): AccessCode['status'] {
  if (!place.isAccountConnected) return 'unknown';
  const { operation } = code;
  if (code.deletingSince !== null || operation?.kind === 'remove' || operation?.kind === 'forget') return 'removing';
  if (operation?.kind === 'set') return 'setting';
  return code.isAnnounced ? 'set' : 'unset';
}

const labels: Record<AccessCode['status'], string> = {
  set: 'Active',
  setting: 'Issuing',
  unset: 'Upcoming',
  removing: 'Removing',
  unknown: 'Unknown',
};

function mutations(code: Code): Mutation[] {
  const pending: Mutation[] = [...code.changes];
  const { operation } = code;
  if (code.deletingSince !== null) {
    pending.push({
      mutation_code: 'deleting',
      created_at: iso(code.deletingSince),
      message: 'Seam is deleting the access code from the device.',
    });
  } else if (operation?.kind === 'set') {
    pending.push({
      mutation_code: 'creating',
      created_at: iso(operation.since),
      message: 'Seam is creating the access code on the device.',
    });
  } else if (operation === null && !code.isExpired && !code.isLetGo && !isOnLock(code)) {
    pending.push({
      mutation_code: 'deferring_creation',
      created_at: iso(code.createdAt),
      scheduled_at: iso(programmingAt(code)),
      message: 'Seam is waiting until closer to the start time before programming the access code.',
    });
  }
  return pending;
}

type OwnErrorCode =
  | 'failed_to_set_on_device'
  | 'failed_to_remove_from_device'
  | 'failed_to_update'
  | 'failed_to_remove';
type OwnError = OwnErrorCode | 'failed_to_issue' | 'no_space_for_access_code_on_device';

function ownError(error_code: OwnError, at: number, message: string): CodeError {
  return { error_code, is_access_code_error: true, created_at: iso(at), message };
}

/** Everything that keeps a code from being as wanted, as the API shows it. */
export function errorsOf(code: Code, place: Place): CodeError[] {
  const errors: CodeError[] = [];
  const { operation, device, externalChange } = code;
  const failedAt = operation?.failedAt ?? null;
  if (operation !== null && failedAt !== null) {
    if (operation.hasNoSpace) {
      errors.push(ownError('no_space_for_access_code_on_device', failedAt, 'No space for access code on device'));
    }
    if (operation.kind === 'set')
      errors.push(ownError('failed_to_set_on_device', failedAt, 'Failed to set code on device'));
    if (operation.kind === 'change') errors.push(ownError('failed_to_update', failedAt, 'Failed to update code'));
    if (operation.kind === 'remove') {
      errors.push(ownError('failed_to_remove_from_device', failedAt, 'Failed to remove code from device'));
      if (code.endsAt !== null && failedAt >= code.endsAt) {
        errors.push(ownError('failed_to_remove', failedAt, 'Still on the device past ends_at'));
      }
    }
  }
  if (code.missedStartAt !== null && !code.isExpired) {
    errors.push(ownError('failed_to_issue', code.missedStartAt, 'Not issued before its start time'));
  }
  if (externalChange !== null && !code.isLetGo) {
    errors.push({
      error_code: 'conflicting_external_modification',
      is_access_code_error: true,
      change_type: externalChange.type,
      created_at: iso(externalChange.at),
      message: 'Changed or removed outside of Seam; Seam sets it again',
    });
  }
  if (!device.isOnline && !code.isExpired) {
    const created_at = iso(device.offlineSince ?? device.createdAt);
    errors.push({ error_code: 'device_offline', is_device_error: true, created_at, message: 'Device is offline' });
  }
  if (!place.isAccountConnected && !code.isExpired) {
    errors.push({
      error_code: 'account_disconnected',
      is_connected_account_error: true,
      is_device_error: false,
      created_at: iso(code.createdAt),
      message: 'Account is disconnected',
    });
  }
  return errors;
}

/** What the API warns of. */
export function warningsOf(code: Code): CodeWarning[] {
  const warnings: CodeWarning[] = [];
  const warn = (
    warning_code: Exclude<CodeWarning['warning_code'], 'external_modification_in_effect'>,
    at: number,
    message: string,
  ) => warnings.push({ warning_code, created_at: iso(at), message });
  const { operation } = code;
  const delayedAt = operation?.delayedAt ?? null;
  if (delayedAt !== null && operation?.kind === 'set') {
    warn('delay_in_setting_on_device', delayedAt, 'Delay in setting code on device');
  }
  if (delayedAt !== null && operation?.kind === 'remove') {
    warn('delay_in_removing_from_device', delayedAt, 'Delay in removing code from device');
  }
  if (code.deletingSince !== null) warn('being_deleted', code.deletingSince, 'Access code is being deleted');
  if (code.pulledBackupId !== null) warn('using_backup_access_code', code.createdAt, 'A backup code was pulled');
  if (code.isWidened) {
    warn('time_frame_adjusted_for_unknown_time_zone', code.createdAt, 'Widened: the time zone is unknown');
  }
  if (code.externalChange !== null && code.isLetGo) {
    warnings.push({
      warning_code: 'external_modification_in_effect',
      change_type: code.externalChange.type,
      created_at: iso(code.externalChange.at),
      message: 'Changed or removed outside of Seam',
    });
  }
  return warnings;
}

/** The code as the API returns it. */
export function renderCode(code: Code, place: Place): AccessCode {
  const currentStatus = status(code, place);
  const { device } = code;
  return {
    access_code_id: code.id,
    device_id: device.id,
    workspace_id: place.workspaceId,
    name: code.name,
    code: code.pin,
    common_code_key: null,
    type: code.endsAt === null ? 'ongoing' : 'time_bound',
    status: currentStatus,
    display_status: code.isExpired ? 'Expired' : labels[currentStatus],
    ...(code.endsAt !== null && { starts_at: isoOrNull(code.startsAt), ends_at: isoOrNull(code.endsAt) }),
    created_at: iso(code.createdAt),
    is_managed: true,
    is_scheduled_on_device: isOnLock(code) && !code.isAnnounced,
    is_waiting_for_code_assignment: false,
    is_backup: code.isBackup,
    is_backup_access_code_available: device.spec.backup_access_code_pool ?? false,
    pulled_backup_access_code_id: code.pulledBackupId,
    is_external_modification_allowed: code.isExternalModificationAllowed,
    is_one_time_use: false,
    is_offline_access_code: false,
    pending_mutations: mutations(code),
    errors: errorsOf(code, place),
    warnings: warningsOf(code),
  };
}

/** A code that was not made through this workspace, as the API returns it. */
export function renderUnmanaged(code: Code, place: Place): UnmanagedAccessCode {
  return {
    access_code_id: code.id,
    device_id: code.device.id,
    workspace_id: place.workspaceId,
    name: code.name,
    code: code.pin,
    type: code.endsAt === null ? 'ongoing' : 'time_bound',
    status: 'set',
    display_status: 'Active',
    ...(code.endsAt !== null && { starts_at: isoOrNull(code.startsAt), ends_at: isoOrNull(code.endsAt) }),
    created_at: iso(code.createdAt),
    is_managed: false,
    errors: [],
    warnings: [],
  };
}
