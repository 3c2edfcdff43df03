// A judge that never finds anything proves nothing: what is broken on purpose is found out, and told so that it can be played again.
import { expect, it } from 'vitest';
import type { SeamApi } from '../../src/seam/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { tell } from './report.ts';
import { simulate } from './simulate.ts';
import { openStore } from './store.ts';

const hourMs = 3_600_000;

const sabotages: readonly [string, (api: SeamApi) => SeamApi, RegExp][] = [
  [
    'creates are answered and not done',
    (api) => ({ ...api, createCode: async () => ({ ok: false, failure: { kind: 'unknown', message: 'no answer' } }) }),
    /every window has its code/,
  ],
  [
    'deletes are answered and not done',
    (api) => ({ ...api, deleteCode: async () => ({ ok: true, value: null }) }),
    /every window has its code|no code outside the plan|no door opens outside a window|never two codes/,
  ],
  [
    'codes open an hour longer than asked',
    (api) => ({
      ...api,
      createCode: (request) => api.createCode({ ...request, endsAt: new Date(request.endsAt.getTime() + hourMs) }),
    }),
    /removal is asked within one job|no code outside the plan|no door opens outside a window|never two codes/,
  ],
  [
    'codes of other software are deleted',
    (api) => ({
      ...api,
      listManagedCodes: async (deviceId) => {
        const listed = await api.listManagedCodes(deviceId);
        const others = (listed.ok ? listed.value : []).filter(({ name }) => name === 'Guest 7');
        for (const { accessCodeId } of others) await api.deleteCode({ deviceId, accessCodeId });
        return listed;
      },
    }),
    /nothing of others is touched/,
  ],
];

// CI gives its last minute to what it has begun.
const isTimeUp = Date.now() >= 1_000 * Number(process.env['CI_ENDS_AT'] ?? Number.POSITIVE_INFINITY);

it.skipIf(isTimeUp).each(sabotages)(
  'finds out when %s (unless CI has no time left)',
  async (_, sabotage, invariant) => {
    await using database = await createTestDatabase();
    await using store = await openStore(database.socketUrl);
    const result = await simulate({ seed: 6, days: 4, schedules: 6, sabotage }, store);
    expect(result.violation?.invariant).toMatch(invariant);
    expect(result.lines.length).toBeGreaterThan(0);
    expect(tell(result)).toContain('Again: npm run simulate -- --seed 6 --days 4 --schedules 6');
  },
);
