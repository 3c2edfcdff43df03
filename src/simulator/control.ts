import express, { type Express, type Request, type Response } from 'express';
import type { ForeignCode } from './by-hand.ts';
import type { DeviceSpec } from './device.ts';
import { ApiFailure } from './failure.ts';
import type { DeliveryFault, FaultScope, RequestFault } from './faults.ts';
import type { WebhookTarget } from './options.ts';
import type { Simulator } from './simulator.ts';

/** What another process may ask of the simulator; bodies are JSON, and as the methods of `Simulator` take them. */
interface AdvanceBody {
  /** An instant, */
  readonly to?: string;
  /** or a stretch of time, */
  readonly by_seconds?: number;
  /** or: to the next thing that happens. */
  readonly next?: boolean;
}

type FaultBody = FaultScope & ({ route: string; fault: RequestFault } | { delivery: DeliveryFault });

type ForeignCodeBody = Omit<ForeignCode, 'starts_at' | 'ends_at'> & { starts_at?: string; ends_at?: string };

const loopback = /^(::1|(::ffff:)?127\.)/;

function stateOf(simulator: Simulator): Record<string, unknown> {
  return {
    now: simulator.now(),
    next_transition_at: simulator.nextTransitionAt(),
    pending_deliveries: simulator.pendingDeliveries,
    pending_faults: simulator.faults.pending,
    switches: simulator.switches,
    device_ids: simulator.deviceIds,
    access_codes: simulator.codes(),
    unmanaged_access_codes: simulator.unmanagedCodes(),
  };
}

async function advance(simulator: Simulator, body: AdvanceBody): Promise<void> {
  const next = simulator.nextTransitionAt();
  if (body.to !== undefined) await simulator.advanceTo(new Date(body.to));
  else if (body.by_seconds !== undefined) await simulator.advanceBy(body.by_seconds * 1000);
  else if (body.next === true && next !== null) await simulator.advanceTo(next);
}

function addFault(simulator: Simulator, body: FaultBody): void {
  if ('delivery' in body) simulator.faults.nextDelivery(body.delivery, body);
  else simulator.faults.next(body.route, body.fault, body);
}

const deviceActions = ['offline', 'online', 'remove', 'come_back'] as const;

function actOnDevice(simulator: Simulator, deviceId: string, action: string): void {
  const device = simulator.device(deviceId);
  if (action === 'offline') device.goOffline();
  else if (action === 'online') device.goOnline();
  else if (action === 'remove') device.remove();
  else if (action === 'come_back') device.comeBack();
  else throw new Error(`a device can only ${deviceActions.join(', ')}`);
}

function actOnCode(simulator: Simulator, accessCodeId: string, action: string, code: string | undefined): void {
  if (action === 'delete_by_hand') simulator.deleteByHand(accessCodeId);
  else if (action === 'remove_at_lock') simulator.removeAtLock(accessCodeId);
  else if (action === 'modify_at_lock' && code !== undefined) simulator.modifyAtLock(accessCodeId, code);
  else throw new Error('a code can only be touched by delete_by_hand, remove_at_lock or modify_at_lock {code}');
}

function foreignCode({ starts_at, ends_at, ...rest }: ForeignCodeBody): ForeignCode {
  return {
    ...rest,
    ...(starts_at !== undefined && { starts_at: new Date(starts_at) }),
    ...(ends_at !== undefined && { ends_at: new Date(ends_at) }),
  };
}

/** Routes under `/_simulator`, for this machine only, through which another process sets the scene. */
export function addControlRoutes(app: Express, simulator: Simulator): void {
  const control = express.Router();
  control.use((request, response, next) => {
    if (loopback.test(request.socket.remoteAddress ?? '')) next();
    else response.status(403).json({ ok: false });
  });
  // Each answers with the state after it.
  const answer =
    (act: (request: Request) => unknown) =>
    async (request: Request, response: Response): Promise<void> => {
      try {
        await act(request);
        response.json(stateOf(simulator));
      } catch (error) {
        if (error instanceof ApiFailure || !(error instanceof Error)) throw error;
        response.status(400).json({ ok: false, error: { type: 'invalid_input', message: error.message } });
      }
    };
  const body = <Body>(request: Request): Body => (request.body ?? {}) as Body;
  const param = (request: Request, name: string): string => String(request.params[name]);

  control.get(
    '/state',
    answer(() => undefined),
  );
  control.get('/intervals', (request, response) => {
    const deviceId = request.query.device_id;
    response.json(simulator.intervals(typeof deviceId === 'string' ? deviceId : undefined));
  });
  control.get('/requests', (_request, response) => void response.json(simulator.requests));
  control.get('/deliveries', (_request, response) => void response.json(simulator.deliveries));
  control.get('/events', (_request, response) => void response.json(simulator.events));
  control.post(
    '/advance',
    answer((request) => advance(simulator, body<AdvanceBody>(request))),
  );
  control.post(
    '/faults',
    answer((request) => addFault(simulator, body<FaultBody>(request))),
  );
  control.delete(
    '/faults',
    answer(() => simulator.faults.clear()),
  );
  control.put(
    '/webhook',
    answer((request) => simulator.setWebhook(body<WebhookTarget>(request))),
  );
  control.post(
    '/devices',
    answer((request) => simulator.addDevice(body<DeviceSpec>(request))),
  );
  control.post(
    '/devices/:id/:action',
    answer((request) => actOnDevice(simulator, param(request, 'id'), param(request, 'action'))),
  );
  control.put(
    '/account',
    answer((request) => simulator.setAccountConnected(body<{ connected: boolean }>(request).connected)),
  );
  control.post(
    '/codes/:id/:action',
    answer((request) =>
      actOnCode(simulator, param(request, 'id'), param(request, 'action'), body<{ code?: string }>(request).code),
    ),
  );
  control.post(
    '/foreign_codes',
    answer((request) => simulator.addForeignCode(foreignCode(body<ForeignCodeBody>(request)))),
  );
  control.post(
    '/events/:id/resend',
    answer((request) => simulator.resend(param(request, 'id'))),
  );
  app.use('/_simulator', control);
}
