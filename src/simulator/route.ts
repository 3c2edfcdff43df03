import type { AccessCode, Device, SeamEvent, UnmanagedAccessCode, Webhook, Workspace } from 'seam';
import type { Deliveries } from './deliver.ts';
import type { RateLimiter } from './limits.ts';
import type { Pagination } from './pages.ts';
import type { Params } from './params.ts';
import type { State } from './state.ts';

/** What the routes work on. */
export interface ApiContext {
  readonly state: State;
  readonly deliveries: Deliveries;
  readonly limiter: RateLimiter;
  readonly random: () => number;
  readonly newId: () => string;
}

/** What the API hands out for work that goes on; the SDK does not wait for these. */
export interface ActionAttempt {
  readonly action_attempt_id: string;
  readonly action_type: string;
  readonly status: 'pending';
  readonly result: null;
  readonly error: null;
}

/** The body of a success, without its `ok`. */
export type Answer =
  | { access_code: AccessCode | UnmanagedAccessCode; action_attempt?: ActionAttempt }
  | { access_codes: (AccessCode | UnmanagedAccessCode)[]; pagination: Pagination }
  | { device: Device }
  | { devices: Device[]; pagination: Pagination }
  | { event: SeamEvent }
  | { events: SeamEvent[] }
  | { webhook: Webhook }
  | { webhooks: Webhook[] }
  | { workspace: Workspace }
  | { action_attempt?: ActionAttempt };

/** One endpoint: the method that the SDK uses (POST is always taken too) and what it does. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly handle: (context: ApiContext, params: Params) => Answer;
}
