// `npm start`: configuration → parts → wait for a signal → stop. Exit codes: 0 stopped, 1 failed, 2 to be mended by the user.
import { readConfig } from './config.ts';
import { startRelatch } from './relatch.ts';
import { runProgram } from './run-program.ts';

const stopWithinMs = 10_000;

await runProgram(async () => {
  const signal = stopSignal();
  const relatch = await startRelatch(readConfig(process.env, { for: 'service' }));
  await signal;
  // A stop that hangs must not keep the container: what it would lose is in the database.
  setTimeout(() => process.exit(1), stopWithinMs).unref();
  await relatch.close();
});
// A call to Seam that hangs would hold the process for seconds more; its job has been given back.
process.exit();

// A terminal signals the whole group and npm passes the signal on as well: it may come twice, and the second must not kill.
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}
