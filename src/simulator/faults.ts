/** What may go wrong with one API call. */
export type RequestFault =
  /** The call is done; its answer never arrives: the connection is cut. */
  | { readonly kind: 'answer_lost_after_commit' }
  /** The connection is cut and nothing was done. */
  | { readonly kind: 'reset_before_commit' }
  /** The connection is cut and the call is done later, in virtual time. */
  | { readonly kind: 'commit_late'; readonly delayMs: number }
  /** No answer, ever; with `afterCommit`, the call was done. */
  | { readonly kind: 'hang'; readonly afterCommit?: boolean }
  /** The answer begins and never ends; the call was done. */
  | { readonly kind: 'stall_body' }
  /** The right answer, after so much real time. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Another status. A string body is sent as it is, so that it can be no JSON, or empty; without one, Seam's envelope. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly type?: string;
      readonly body?: unknown;
      readonly retryAfterSeconds?: number;
      readonly afterCommit?: boolean;
    };

/** What may go wrong with one delivery. */
export type DeliveryFault =
  /** It is never sent, nor sent again. */
  | { readonly kind: 'lose' }
  /** It is sent twice, with one `svix-id`. */
  | { readonly kind: 'duplicate' }
  /** It is sent so much later, in virtual time. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** So many messages are held back and then sent last first. `times` says how many. */
  | { readonly kind: 'reorder' };

/** When a fault strikes: how often (once by default), how likely at each occasion (always), and for what. */
export interface FaultScope {
  readonly times?: number;
  readonly probability?: number;
  readonly device_id?: string;
  readonly event_type?: string;
}

interface Pending<Fault> {
  readonly fault: Fault;
  readonly route: string;
  readonly scope: FaultScope;
  left: number;
}

const knownRequestFaults: readonly string[] = [
  'answer_lost_after_commit',
  'reset_before_commit',
  'commit_late',
  'hang',
  'stall_body',
  'slow',
  'status',
] satisfies RequestFault['kind'][];

const knownDeliveryFaults: readonly string[] = [
  'lose',
  'duplicate',
  'delay',
  'reorder',
] satisfies DeliveryFault['kind'][];

/** The faults that wait for their occasion, in the order in which they were asked for. */
export class Faults {
  #requests: Pending<RequestFault>[] = [];
  #deliveries: Pending<DeliveryFault>[] = [];
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next calls of a route, such as `POST /access_codes/create`, of a path whatever the method, or of `*`, go wrong. */
  next(route: string, fault: RequestFault, scope: FaultScope = {}): void {
    if (!knownRequestFaults.includes(fault.kind)) throw new Error(`no request fault is called ${fault.kind}`);
    this.#requests.push({ fault, route, scope, left: scope.times ?? 1 });
  }

  /** The next deliveries go wrong. */
  nextDelivery(fault: DeliveryFault, scope: FaultScope = {}): void {
    if (!knownDeliveryFaults.includes(fault.kind)) throw new Error(`no delivery fault is called ${fault.kind}`);
    this.#deliveries.push({ fault, route: '*', scope, left: scope.times ?? 1 });
  }

  /** Nothing goes wrong from now on. */
  clear(): void {
    this.#requests = [];
    this.#deliveries = [];
  }

  /** The number of faults that have not struck yet. */
  get pending(): number {
    return [...this.#requests, ...this.#deliveries].reduce((sum, { left }) => sum + left, 0);
  }

  takeRequest(method: string, path: string, deviceId: string | undefined): RequestFault | null {
    const routes = [`${method} ${path}`, path, '*'];
    const found = this.#requests.find(
      ({ route, scope, left }) =>
        left > 0 &&
        routes.includes(route) &&
        (scope.device_id === undefined || scope.device_id === deviceId) &&
        this.#strikes(scope),
    );
    this.#requests = this.#requests.filter((pending) => use(pending, found));
    return found?.fault ?? null;
  }

  takeDelivery(eventType: string): { fault: DeliveryFault; left: number } | null {
    const found = this.#deliveries.find(
      ({ scope, left }) =>
        left > 0 && (scope.event_type === undefined || scope.event_type === eventType) && this.#strikes(scope),
    );
    this.#deliveries = this.#deliveries.filter((pending) => use(pending, found));
    return found === undefined ? null : { fault: found.fault, left: found.left };
  }

  #strikes({ probability }: FaultScope): boolean {
    return probability === undefined || this.#random() < probability;
  }
}

/** Counts one occasion off the fault that struck; says whether a fault stays. */
function use<Fault>(pending: Pending<Fault>, struck: Pending<Fault> | undefined): boolean {
  if (pending === struck) pending.left -= 1;
  return pending.left > 0;
}
