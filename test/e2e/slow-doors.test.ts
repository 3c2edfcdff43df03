import { expect, it, vi } from 'vitest';
import { aDoor, slowMs, startStage } from './stage.ts';

// Less than the 8 s after which a call that hangs is given up.
const promptMs = 4_000;

it('makes a door’s code at once while the calls for other doors hang', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  await stage.start();
  const hanging = [aDoor(), aDoor(), aDoor()];
  for (const device_id of hanging) {
    simulator.faults.next('/devices/get', { kind: 'hang' }, { device_id });
    await stage.apply(device_id);
    await vi.waitFor(
      () => expect(simulator.requests.map(({ params }) => params.device_id)).toContain(device_id),
      promptMs,
    );
  }
  const door = aDoor();
  const appliedAtMs = performance.now();
  await stage.apply(door);
  await vi.waitFor(() => expect(simulator.codes({ device_id: door })).toHaveLength(1), slowMs);
  expect(performance.now() - appliedAtMs).toBeLessThan(promptMs);
});
