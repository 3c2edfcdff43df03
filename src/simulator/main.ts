// Starts the simulator by itself: see README.md for the options.
import { parseArgs } from 'node:util';
import type { DeviceSpec } from './device.ts';
import { startSimulator } from './simulator.ts';
import { defaultSwitches, type Switches } from './switches.ts';

const { env } = process;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    devices: { type: 'string' },
    'any-device': { type: 'boolean' },
    'no-limits': { type: 'boolean' },
    now: { type: 'string' },
    switch: { type: 'string', multiple: true },
  },
});

/** Ids parted by commas, or a JSON array of device specifications. */
function readDevices(text: string): DeviceSpec[] {
  if (text.startsWith('[')) return JSON.parse(text) as DeviceSpec[];
  return text
    .split(',')
    .filter((id) => id !== '')
    .map((device_id) => ({ device_id }));
}

/** Each is `name=value`; the value is of the kind that the default has. */
function readSwitches(settings: readonly string[]): Partial<Switches> {
  const entries = settings.map((setting) => {
    const [name = '', value = ''] = setting.split('=');
    if (!(name in defaultSwitches)) throw new Error(`no switch is called ${name}`);
    const byDefault: unknown = Reflect.get(defaultSwitches, name);
    if (typeof byDefault === 'boolean') return [name, value === 'true'];
    return [name, typeof byDefault === 'number' ? Number(value) : value];
  });
  return Object.fromEntries(entries) as Partial<Switches>;
}

const url = env.WEBHOOK_URL;
const secret = env.WEBHOOK_SECRET;
if ((url === undefined) !== (secret === undefined))
  throw new Error('set both WEBHOOK_URL and WEBHOOK_SECRET, or neither');

const simulator = await startSimulator({
  host: values.host ?? env.HOST ?? '127.0.0.1',
  port: Number(values.port ?? env.PORT ?? 0),
  devices: readDevices(values.devices ?? env.SIMULATOR_DEVICES ?? ''),
  anyDevice: values['any-device'] ?? env.SIMULATOR_ANY_DEVICE === 'true',
  switches: readSwitches(values.switch ?? []),
  ...(values['no-limits'] === true && { limits: false }),
  ...(values.now !== undefined && { now: new Date(values.now) }),
  ...(env.SIMULATOR_API_KEY !== undefined && { apiKey: env.SIMULATOR_API_KEY }),
  ...(url !== undefined && secret !== undefined && { webhook: { url, secret } }),
});

console.log(
  `Seam simulator at ${simulator.endpoint}, API key ${simulator.apiKey}, time ${simulator.now().toISOString()}`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    void simulator.close().then(() => process.exit(0));
  });
}
