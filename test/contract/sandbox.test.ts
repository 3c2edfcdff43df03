import { setTimeout as wait } from 'node:timers/promises';
import { Seam } from 'seam';
import { describe, it } from 'vitest';
import { contract } from './contract.ts';

const apiKey = process.env.SEAM_SANDBOX_API_KEY;

// The skipped line keeps in sight that nothing was asked.
if (apiKey === undefined || apiKey === '') {
  describe('a Seam sandbox', () => {
    // Skipped because there is no key, and so no workspace to ask.
    it.skip('behaves as the service expects (left out: SEAM_SANDBOX_API_KEY is not set)', () => undefined);
  });
} else if (!apiKey.startsWith('seam_test')) {
  describe('a Seam sandbox', () => {
    it('is the only workspace that the tests touch', () => {
      throw new Error('SEAM_SANDBOX_API_KEY must begin with seam_test: the tests create and delete codes');
    });
  });
} else {
  contract('a Seam sandbox', {
    now: () => new Date(),
    patienceMs: 90_000,
    lacks: { webhooks: 'the workspace may be shared, and a webhook that never answers would disturb it' },
    start: async () => {
      const seam = new Seam({ apiKey });
      const devices = await seam.devices.list();
      const device = devices.find((candidate) => candidate.can_program_online_access_codes === true);
      if (device === undefined) throw new Error('the sandbox has no device that can program online access codes');
      return {
        seam,
        stranger: new Seam({ apiKey: 'seam_test_stranger' }),
        deviceId: device.device_id,
        settle: () => wait(2_000),
        stop: () => Promise.resolve(),
      };
    },
  });
}
