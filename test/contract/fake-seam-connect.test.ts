import buffer from 'node:buffer';
import { Seam } from 'seam';
import { contract } from './contract.ts';

// Node 25 dropped SlowBuffer, which this package still extends while it loads.
if (!('SlowBuffer' in buffer)) Reflect.set(buffer, 'SlowBuffer', buffer.Buffer);

const noClock = 'fake-seam-connect has no clock and sets nothing on a lock';

contract('@seamapi/fake-seam-connect', {
  now: () => new Date(),
  patienceMs: 2_000,
  lacks: {
    events: 'its event filter compares the code’s id with the device’s',
    'one device per list': 'its list ignores device_id',
    pagination: 'it does not page',
    'past windows': 'it takes windows that are over',
    'PIN length': 'it takes any PIN',
    removal: noClock,
    search: 'it does not search',
  },
  start: async () => {
    const { createFake } = await import('@seamapi/fake-seam-connect');
    const fake = await createFake();
    const seed = await fake.seed();
    await fake.startServer();
    const connect = (apiKey: string): Seam => {
      const seam = new Seam({ apiKey, endpoint: fake.serverUrl ?? '' });
      // The package knows POST only, where the SDK uses DELETE, PATCH and PUT.
      seam.client.interceptors.request.use((config) => {
        if (!['delete', 'patch', 'put'].includes((config.method ?? '').toLowerCase())) return config;
        config.data = { ...config.data, ...config.params };
        config.params = undefined;
        config.method = 'post';
        return config;
      });
      return seam;
    };
    return {
      seam: connect(seed.seam_apikey1_token),
      stranger: connect('seam_test_stranger'),
      deviceId: seed.august_device_1,
      settle: () => Promise.resolve(),
      stop: async () => {
        await fake.stopServer();
      },
    };
  },
});
