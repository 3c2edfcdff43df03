import type { SeamEvent } from 'seam';
import type { Code } from './access-code.ts';
import type { EventWriter } from './events.ts';
import type { Switches } from './switches.ts';

/** What becomes of a code that has come to its end: whether its object stays, and what is told, in order. */
export function endingOf(
  code: Code,
  wasOnLock: boolean,
  switches: Switches,
  writer: EventWriter,
): { keepsObject: boolean; events: SeamEvent[] } {
  const deleted = (): SeamEvent => writer.deleted(code);
  // Never programmed: there was nothing to take off the lock, so nothing tells that it was.
  const removed = wasOnLock ? [writer.bare(code, 'access_code.removed_from_device')] : [];
  if (code.deletingSince !== null) {
    const { deleteEvents } = switches;
    if (deleteEvents === 'deleted_only') return { keepsObject: false, events: [deleted()] };
    const isDeletedFirst = deleteEvents === 'deleted_then_removed';
    return { keepsObject: false, events: isDeletedFirst ? [deleted(), ...removed] : [...removed, deleted()] };
  }
  if (switches.afterExpiry === 'retained') return { keepsObject: true, events: removed };
  const { deletedEventAtExpiry } = switches;
  if (deletedEventAtExpiry === 'never') return { keepsObject: false, events: removed };
  const isDeletedFirst = deletedEventAtExpiry === 'before';
  return { keepsObject: false, events: isDeletedFirst ? [deleted(), ...removed] : [...removed, deleted()] };
}
