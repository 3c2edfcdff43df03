// npm run bench -- <name>: runs one benchmark and prints its figures against the goals.

const benches: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  ack: () => import('./ack.ts'),
  backlog: () => import('./backlog.ts'),
  faults: () => import('./faults.ts'),
  renewal: () => import('./renewal.ts'),
  soak: () => import('./soak.ts'),
  windows: () => import('./windows.ts'),
};

const name = process.argv[2] ?? '';
const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exitCode = 2;
} else {
  const bench = await load();
  await bench.run();
}
