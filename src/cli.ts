// npm run relatch -- COMMAND: what people and scripts ask of Relatch.
import { type Command, usageOf } from './commands/command.ts';
import { UserError } from './core/errors.ts';
import { runProgram } from './run-program.ts';

// Loaded when asked for: the calculator starts without what needs a database.
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  windows: async () => (await import('./commands/windows.ts')).windows,
  reconcile: async () => (await import('./commands/reconcile.ts')).reconcileCommand,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).deadLetters,
  alerts: async () => (await import('./commands/alerts.ts')).alerts,
  holders: async () => (await import('./commands/holders.ts')).holders,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  webhook: async () => (await import('./commands/webhook.ts')).webhook,
  pins: async () => (await import('./commands/pins.ts')).pins,
};

await runProgram(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const isHelp = [name, ...args].some((word) => word === '--help' || word === '-h');
  if (load !== undefined && !isHelp) return (await load()).run(args);
  const shown = load === undefined ? Object.values(commands) : [load];
  const usage = usageOf(await Promise.all(shown.map((one) => one())));
  if (!isHelp) throw new UserError('usage', name === '' ? usage : `There is no command ${name}.\n${usage}`);
  console.log(usage);
});
