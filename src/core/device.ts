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
}
