import type { Logger } from 'pino';
import type { Db } from '../db/client.ts';
import type { PinVault } from '../db/pin-vault.ts';
import type { Queue } from '../db/queue.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { GatedSeam } from './gate-seam.ts';

/** What every flow is given. Outside our process and so injected: Seam, the clock, and chance. */
export interface FlowDeps {
  readonly db: Db;
  readonly queue: Pick<Queue, 'sendPlans' | 'sendEvents'>;
  readonly seam: GatedSeam;
  readonly vault: PinVault;
  readonly now: () => Date;
  /** A uniform whole number below its argument, from a cryptographic source. */
  readonly random: (below: number) => number;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** observe: nothing is written to Seam. */
  readonly mode: 'active' | 'observe';
  /** How long after a create of unknown outcome it may still land. */
  readonly settleMs: number;
  /** How long before a window its code is looked after, longest first. */
  readonly ladderMs: readonly number[];
  /** Begins every marker of this installation. */
  readonly markerPrefix: string;
  /** Devices at which this process has seen each code of ours to have its row; null where the installation is no older than the process. */
  readonly comparedDevices: Set<string> | null;
}
