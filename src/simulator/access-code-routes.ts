import type { Code } from './access-code.ts';
import { renderCode, renderUnmanaged } from './access-code-view.ts';
import { pullBackup } from './by-hand.ts';
import { choosePin } from './device.ts';
import { ApiFailure, invalidInput } from './failure.ts';
import { pageOf } from './pages.ts';
import {
  optionalBoolean,
  optionalFrame,
  optionalNumber,
  optionalString,
  optionalStrings,
  type Params,
  requiredString,
} from './params.ts';
import type { ActionAttempt, Answer, ApiContext, Route } from './route.ts';

const pending = ({ newId }: ApiContext, action_type: string): ActionAttempt => ({
  action_attempt_id: newId(),
  action_type,
  status: 'pending',
  result: null,
  error: null,
});

function createCode(context: ApiContext, params: Params): Answer {
  const { state, limiter } = context;
  const deviceId = requiredString(params, 'device_id');
  limiter.take('create', state.device(deviceId).id, state.now);
  const frame = optionalFrame(params) ?? { startsAt: null, endsAt: null };
  const code = state.createCode({
    ...frame,
    deviceId,
    name: optionalString(params, 'name') ?? null,
    pin: optionalString(params, 'code'),
    preferredLength: optionalNumber(params, 'preferred_code_length'),
    isExternalModificationAllowed:
      optionalBoolean(params, 'is_external_modification_allowed') ??
      optionalBoolean(params, 'allow_external_modification'),
  });
  return { access_code: renderCode(code, state.place), action_attempt: pending(context, 'CREATE_ACCESS_CODE') };
}

function updateCode(context: ApiContext, params: Params): Answer {
  const { state, limiter } = context;
  const code = state.code(requiredString(params, 'access_code_id'));
  limiter.take('update', code.device.id, state.now);
  const isToBeOngoing = optionalString(params, 'type') === 'ongoing';
  state.updateCode(code, {
    name: optionalString(params, 'name'),
    pin: optionalString(params, 'code'),
    frame: isToBeOngoing ? { startsAt: null, endsAt: null } : optionalFrame(params),
  });
  return { action_attempt: pending(context, 'UPDATE_ACCESS_CODE') };
}

function deleteCode(context: ApiContext, params: Params): Answer {
  const { state, limiter } = context;
  const code = state.code(requiredString(params, 'access_code_id'));
  limiter.take('delete', code.device.id, state.now);
  state.deleteCode(code);
  return { action_attempt: pending(context, 'DELETE_ACCESS_CODE') };
}

/** By id, or by PIN on a device. */
function findCode({ state }: ApiContext, params: Params, isManaged: boolean): Code {
  const id = optionalString(params, 'access_code_id');
  if (id !== undefined) return state.code(id, isManaged);
  const pin = requiredString(params, 'code');
  const holders = [...(state.device(requiredString(params, 'device_id')).codesByPin.get(pin) ?? [])];
  const code = holders.find((holder) => holder.isManaged === isManaged);
  // The PIN stays out of the message, which callers log.
  if (code === undefined) {
    throw new ApiFailure(404, 'access_code_not_found', 'Could not find an access_code with this code on the device');
  }
  return code;
}

function listCodes({ state }: ApiContext, params: Params, isManaged: boolean) {
  const deviceId = optionalString(params, 'device_id');
  const ids = optionalStrings(params, 'access_code_ids');
  const search = optionalString(params, 'search')?.toLowerCase();
  if (deviceId === undefined && ids === undefined && search === undefined) {
    throw invalidInput('device_id', 'At least one of device_id, access_code_ids and search is required');
  }
  const candidates = deviceId === undefined ? state.codes.values() : state.device(deviceId).codes;
  const wanted = ids && new Set(ids);
  const matching = [...candidates].filter(
    (code) =>
      code.isManaged === isManaged &&
      wanted?.has(code.id) !== false &&
      (search === undefined ||
        [code.name, code.pin, code.id].some((text) => text?.toLowerCase().includes(search) === true)),
  );
  return pageOf(matching, ({ order }) => order, params, 55_000);
}

function listManaged(context: ApiContext, params: Params): Answer {
  const { items, pagination } = listCodes(context, params, true);
  return { access_codes: items.map((code) => renderCode(code, context.state.place)), pagination };
}

function listUnmanaged(context: ApiContext, params: Params): Answer {
  const { items, pagination } = listCodes(context, params, false);
  return { access_codes: items.map((code) => renderUnmanaged(code, context.state.place)), pagination };
}

function pullBackupCode({ state, random }: ApiContext, params: Params): Answer {
  const code = state.code(requiredString(params, 'access_code_id'));
  if (code.device.spec.backup_access_code_pool !== true || code.endsAt === null) {
    throw invalidInput('access_code_id', 'No backup access code is available');
  }
  const backup = pullBackup(state, code, choosePin(code.device, random, undefined));
  return { access_code: renderCode(backup, state.place) };
}

function getManaged(context: ApiContext, params: Params): Answer {
  return { access_code: renderCode(findCode(context, params, true), context.state.place) };
}

function getUnmanaged(context: ApiContext, params: Params): Answer {
  return { access_code: renderUnmanaged(findCode(context, params, false), context.state.place) };
}

/** The endpoints under /access_codes. */
export const accessCodeRoutes: readonly (readonly [string, Route])[] = [
  ['/access_codes/create', { method: 'POST', handle: createCode }],
  ['/access_codes/update', { method: 'PATCH', handle: updateCode }],
  ['/access_codes/delete', { method: 'DELETE', handle: deleteCode }],
  ['/access_codes/get', { method: 'GET', handle: getManaged }],
  ['/access_codes/list', { method: 'GET', handle: listManaged }],
  ['/access_codes/pull_backup_access_code', { method: 'POST', handle: pullBackupCode }],
  ['/access_codes/unmanaged/get', { method: 'GET', handle: getUnmanaged }],
  ['/access_codes/unmanaged/list', { method: 'GET', handle: listUnmanaged }],
];
