import { randomBytes } from 'node:crypto';
import type { Webhook } from 'seam';
import { accessCodeRoutes } from './access-code-routes.ts';
import type { Endpoint } from './deliver.ts';
import { renderDevice } from './device.ts';
import { invalidInput, notFound } from './failure.ts';
import { pageOf } from './pages.ts';
import {
  instant,
  optionalInstant,
  optionalNumber,
  optionalString,
  optionalStrings,
  type Params,
  requiredString,
} from './params.ts';
import type { Answer, ApiContext, Route } from './route.ts';

function getDevice({ state }: ApiContext, params: Params): Answer {
  const id = optionalString(params, 'device_id');
  const name = optionalString(params, 'name');
  const named = [...state.devices.values()].find((device) => !device.isRemoved && device.spec.name === name);
  if (id === undefined && named === undefined) throw notFound('device', name ?? '');
  return {
    device: renderDevice(id === undefined && named !== undefined ? named : state.device(id ?? ''), state.place),
  };
}

function listDevices({ state }: ApiContext, params: Params): Answer {
  const ids = optionalStrings(params, 'device_ids');
  const search = optionalString(params, 'search')?.toLowerCase();
  for (const id of ids ?? []) if (!state.devices.has(id) && state.hasAnyDevice) state.device(id);
  const matching = [...state.devices.values()].filter(
    ({ id, isRemoved, spec }) =>
      !isRemoved &&
      ids?.includes(id) !== false &&
      (search === undefined || `${id} ${spec.name ?? ''}`.toLowerCase().includes(search)),
  );
  const order = new Map(matching.map((device, index) => [device, index]));
  const { items, pagination } = pageOf(matching, (device) => order.get(device) ?? 0, params, 500);
  return { devices: items.map((device) => renderDevice(device, state.place)), pagination };
}

const either = (params: Params, one: string, many: string): string[] | undefined => {
  const single = optionalString(params, one);
  return single === undefined ? optionalStrings(params, many) : [single];
};

function listEvents({ state }: ApiContext, params: Params): Answer {
  const between = optionalStrings(params, 'between');
  const [from, to] = between ?? [];
  const since = optionalInstant(params, 'since');
  const eventIds = optionalStrings(params, 'event_ids');
  if (since === undefined && (from === undefined || to === undefined) && eventIds === undefined) {
    throw invalidInput('since', 'Either since or between is required');
  }
  const filter = {
    since: from === undefined ? since : instant('between', from),
    until: to === undefined ? undefined : instant('between', to),
    eventTypes: either(params, 'event_type', 'event_types'),
    eventIds,
    accessCodeIds: either(params, 'access_code_id', 'access_code_ids'),
    deviceIds: either(params, 'device_id', 'device_ids'),
    limit: optionalNumber(params, 'limit'),
    offset: optionalNumber(params, 'unstable_offset'),
  };
  return { events: state.log.list(filter, state.now) };
}

function getEvent({ state }: ApiContext, params: Params): Answer {
  const id = requiredString(params, 'event_id');
  const event = state.log.find(id, state.now);
  if (event === undefined) throw notFound('event', id);
  return { event };
}

const renderWebhook = ({ webhook_id, url, secret, event_types }: Endpoint): Webhook => ({
  webhook_id,
  url,
  secret,
  event_types: [...event_types],
});

function findEndpoint({ deliveries }: ApiContext, params: Params): Endpoint {
  const id = requiredString(params, 'webhook_id');
  const endpoint = deliveries.endpoints.get(id);
  if (endpoint === undefined) throw notFound('webhook', id);
  return endpoint;
}

function createWebhook({ deliveries, newId }: ApiContext, params: Params): Answer {
  const endpoint: Endpoint = {
    webhook_id: newId(),
    url: requiredString(params, 'url'),
    secret: `whsec_${randomBytes(24).toString('base64')}`,
    event_types: optionalStrings(params, 'event_types') ?? ['*'],
  };
  deliveries.endpoints.set(endpoint.webhook_id, endpoint);
  return { webhook: renderWebhook(endpoint) };
}

function listWebhooks({ deliveries }: ApiContext): Answer {
  return { webhooks: [...deliveries.endpoints.values()].map(renderWebhook) };
}

function updateWebhook(context: ApiContext, params: Params): Answer {
  const endpoint = findEndpoint(context, params);
  endpoint.event_types = optionalStrings(params, 'event_types') ?? endpoint.event_types;
  return {};
}

function deleteWebhook(context: ApiContext, params: Params): Answer {
  context.deliveries.endpoints.delete(findEndpoint(context, params).webhook_id);
  return {};
}

function getWorkspace({ state }: ApiContext): Answer {
  return {
    workspace: {
      workspace_id: state.place.workspaceId,
      name: 'Simulated workspace',
      company_name: 'Simulator',
      connect_partner_name: null,
      connect_webview_customization: {},
      is_publishable_key_auth_enabled: false,
      is_sandbox: true,
      is_suspended: false,
      organization_id: null,
    },
  };
}

/** Every endpoint of Seam's that is simulated. */
export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...accessCodeRoutes,
  ['/devices/get', { method: 'GET', handle: getDevice }],
  ['/devices/list', { method: 'GET', handle: listDevices }],
  ['/events/get', { method: 'GET', handle: getEvent }],
  ['/events/list', { method: 'GET', handle: listEvents }],
  ['/webhooks/create', { method: 'POST', handle: createWebhook }],
  ['/webhooks/get', { method: 'GET', handle: (c, p) => ({ webhook: renderWebhook(findEndpoint(c, p)) }) }],
  ['/webhooks/list', { method: 'GET', handle: listWebhooks }],
  ['/webhooks/update', { method: 'PUT', handle: updateWebhook }],
  ['/webhooks/delete', { method: 'DELETE', handle: deleteWebhook }],
  ['/workspaces/get', { method: 'GET', handle: getWorkspace }],
]);
