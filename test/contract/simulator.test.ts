import { Seam } from 'seam';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { contract } from './contract.ts';

const now = new Date('2026-03-02T08:00:00Z');
let time = (): Date => now;

contract('the simulator', {
  now: () => time(),
  patienceMs: 2_000,
  lacks: {},
  start: async () => {
    const sim = await startSimulator({ now, limits: false, devices: [{ device_id: 'a' }, { device_id: 'b' }] });
    sim.addForeignCode({ device_id: 'b', code: '1234', managed: true });
    time = () => sim.now();
    const { endpoint } = sim;
    return {
      seam: new Seam({ apiKey: sim.apiKey, endpoint }),
      stranger: new Seam({ apiKey: 'seam_test_stranger', endpoint }),
      deviceId: 'a',
      settle: () => sim.advanceBy(10_000),
      stop: () => sim.close(),
    };
  },
});
