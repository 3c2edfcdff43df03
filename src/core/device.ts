/** What a lock asks of codes: limits of PINs and names, and its zone as a cross-check. */
export interface DeviceFacts {
  readonly deviceId: string;
  readonly name: string;
  /** IANA zone that Seam reports; null where it tells none. */
  readonly timezone: string | null;
  /** PIN lengths that the lock takes; null: not told. */
  readonly pinLengths: readonly number[] | null;
  /** Seam's `constraint_type`s. */
  readonly constraints: readonly string[];
  readonly nameLengthMax: number | null;
  /** Seam's id of the account that it is connected through; null where it tells none. */
  readonly connectedAccountId: string | null;
  /** Whether Seam keeps a pool of backup codes for it. */
  readonly hasBackupPool: boolean;
  /** Whether codes can be put on it over the internet. */
  readonly canProgram: boolean;
  /** How many codes it holds; on locks that know times, those to come count as well. Null: not told. */
  readonly codesMax: number | null;
  /** The kinds of windows that it takes, one of which must fit; null: no restriction. */
  readonly timeFrames: readonly TimeFrame[] | null;
}

/** A kind of window that a lock takes. */
export interface TimeFrame {
  readonly name: string;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  /** Begins and ends at the same time of day. */
  readonly hasMatchingTimes: boolean;
  /** Local times to choose from; null: no restriction. */
  readonly pairs: readonly { readonly from: string; readonly to: string }[] | null;
  /** IANA zone of its local times; null where it names none. */
  readonly timezone: string | null;
}
