/**
 * Seam's open questions, each as a switch. Where Seam's documents are silent or contradict each other, the service must be
 * right under either answer, so a test can run under every setting.
 */
export interface Switches {
  /** Whether `access_code.deleted` also fires when a code ends by itself, and on which side of `removed_from_device`. */
  readonly deletedEventAtExpiry: 'never' | 'before' | 'after';
  /** What a deletion through the API (or by hand) of a code on the lock sends. Seam documents no order, and once sent one only. */
  readonly deleteEvents: 'removed_then_deleted' | 'deleted_then_removed' | 'deleted_only';
  /** Whether `removed_from_device` also fires when somebody takes a code off at the lock and Seam will set it again. */
  readonly removedEventOnExternalRemoval: boolean;
  /** Whether one PIN may serve two codes of a device whose windows do not overlap. */
  readonly samePinInDisjointWindows: 'refused' | 'allowed';
  /** Whether the object of an ended code answers 404 or stays, as expired. */
  readonly afterExpiry: 'gone' | 'retained';
  /** Whether a retained, expired code still keeps others from its PIN. */
  readonly expiredCodeBlocksPin: boolean;
  /** The error's type when `ends_at` lies in the past. */
  readonly pastEndsAtError: 'invalid_input' | 'invalid_time_frame';
  /** Whether a 429 says when to come again. */
  readonly retryAfterOn429: boolean;
  /** Whether an ended code, retained or still being removed, can be moved to a new window. */
  readonly updateOfExpired: 'refused' | 'accepted';
  /** Whether a full lock is told at creation, or only found out when the code is programmed. */
  readonly fullLock: 'fails_on_device' | 'refused_at_create';
  /** From when a code opens a lock that does not know times itself: from its programming (60 min early) or from its start. */
  readonly justInTimeOpensFrom: 'starts_at' | 'programming';
  /** Whether one event may come as two messages with two `svix-id`s. */
  readonly oneEventManySvixIds: boolean;
  /** How long `/events/list` remembers. */
  readonly eventRetentionDays: number;
  /** The order of `/events/list`. */
  readonly eventsListOrder: 'oldest_first' | 'newest_first';
}

/** The likeliest answers: what Seam documents, or else what its SDK or fake suggests. */
export const defaultSwitches: Switches = {
  deletedEventAtExpiry: 'never',
  deleteEvents: 'removed_then_deleted',
  removedEventOnExternalRemoval: false,
  samePinInDisjointWindows: 'refused',
  afterExpiry: 'gone',
  expiredCodeBlocksPin: false,
  pastEndsAtError: 'invalid_input',
  retryAfterOn429: true,
  updateOfExpired: 'refused',
  fullLock: 'fails_on_device',
  justInTimeOpensFrom: 'starts_at',
  oneEventManySvixIds: false,
  eventRetentionDays: 30,
  eventsListOrder: 'oldest_first',
};

/** One way in which Seam might behave: a name for a test's title, and the switches that differ from the default. */
export interface SwitchSetting {
  readonly name: string;
  readonly switches: Partial<Switches>;
}

const flips: readonly Partial<Switches>[] = [
  { deletedEventAtExpiry: 'before' },
  { deletedEventAtExpiry: 'after' },
  { deleteEvents: 'deleted_then_removed' },
  { deleteEvents: 'deleted_only' },
  { removedEventOnExternalRemoval: true },
  { samePinInDisjointWindows: 'allowed' },
  { afterExpiry: 'retained' },
  // These two only mean something where ended codes stay.
  { afterExpiry: 'retained', expiredCodeBlocksPin: true },
  { afterExpiry: 'retained', updateOfExpired: 'accepted' },
  { pastEndsAtError: 'invalid_time_frame' },
  { retryAfterOn429: false },
  { fullLock: 'refused_at_create' },
  { justInTimeOpensFrom: 'programming' },
  { oneEventManySvixIds: true },
  { eventRetentionDays: 1 },
  { eventsListOrder: 'newest_first' },
];

/** The default and each answer that differs from it, one at a time: run a flow test under each of them. */
export const switchSettings: readonly SwitchSetting[] = [
  { name: 'default', switches: {} },
  ...flips.map((switches) => ({
    name: Object.entries(switches)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    switches,
  })),
];
