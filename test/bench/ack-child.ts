import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';

/** What a server under test is told, by its parent. */
export interface BenchSettings {
  readonly databaseUrl: string;
  readonly secret: string;
  readonly logFile: string;
}

/** In the child: starts the server and reports its port. Ends when the parent does. */
export async function serveBench(start: (settings: BenchSettings) => Server): Promise<void> {
  process.once('disconnect', () => process.exit());
  const [settings] = await once(process, 'message');
  const server = start(settings);
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
}

/** A server under test in a process of its own. */
export interface BenchServer extends Disposable {
  readonly origin: string;
  /** CPU time used so far, in microseconds. */
  cpuMicros(): Promise<number>;
}

/** In the parent: starts the child. */
export async function startServer(file: string, settings: BenchSettings): Promise<BenchServer> {
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)));
  child.send(settings);
  const [{ port }] = await once(child, 'message');
  return {
    origin: `http://127.0.0.1:${port}`,
    async cpuMicros() {
      child.send('cpu');
      const [{ user, system }] = await once(child, 'message');
      return user + system;
    },
    [Symbol.dispose]: () => child.kill(),
  };
}
