// The crew in the middle of things: what people do to its schedule, and when its doors were open.
import { type Act, type Acted, actOn } from '../../src/flows/act-on-schedule.ts';
import { frontDoor, startWorld, type World, weekdays } from './relatch.ts';

export async function crewAtWork(fields: Record<string, unknown> = {}, until = '2027-03-08T15:00:00Z'): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays(fields));
  await world.until(until);
  return world;
}

export async function act(world: World, done: Act, options: Parameters<typeof actOn>[3] = {}): Promise<Acted> {
  const acted = await actOn(world.relatch.deps, 'crew', done, options);
  await world.rest();
  return acted;
}

/** Openings, to the minute. */
export function opened(world: World, deviceId = frontDoor): string[] {
  const minute = (at: Date | null): string => at?.toISOString().slice(0, 16) ?? '…';
  return world.simulator
    .intervals(deviceId)
    .map(({ on_device_from, off_device_at }) => `${minute(on_device_from)}/${minute(off_device_at)}`);
}
