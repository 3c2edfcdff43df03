// Programs of ours as their user runs them: processes of their own, with an environment and nothing else in common with
// the test. Whatever is started here is ended here.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that ended, and all that it said. */
export interface Finished extends Exit {
  readonly output: string;
}

/** A running program. Disposing of it kills it, if it is still there. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** All that it has written so far. */
  logs(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
}

/** The running service. */
export interface Service extends Running {
  readonly url: string;
}

export type Env = Readonly<Record<string, string>>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const builtFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const startsWithinMs = 60_000;

/**
 * Starts the built service, or another program that says as it does where it listens, on a free port and waits until it
 * listens. Rejects, with its output, if it ends before that.
 */
export async function startService({
  env,
  file = builtFile,
}: {
  env: Env;
  file?: string | undefined;
}): Promise<Service> {
  await build();
  const { child, logs, exited } = start([file], { PORT: '0', HOST: '127.0.0.1', ...env });
  const port = await listeningPort(child, logs, exited);
  return { url: `http://127.0.0.1:${port}`, ...running({ child, logs, exited }) };
}

/** Starts a script of this project. */
export function startScript(file: string, options: { args?: readonly string[]; env: Env }): Running {
  return running(start([file, ...(options.args ?? [])], options.env));
}

/** Runs the built service to its end: for starts that must fail. */
export async function runService(env: Env): Promise<Finished> {
  await build();
  return runScript(builtFile, { env: { PORT: '0', HOST: '127.0.0.1', ...env } });
}

/** Runs a script of this project to its end; one that takes longer than a minute is killed. */
export async function runScript(file: string, options: { args?: readonly string[]; env: Env }): Promise<Finished> {
  const { child, logs, exited } = start([file, ...(options.args ?? [])], options.env);
  const timer = setTimeout(() => child.kill('SIGKILL'), startsWithinMs);
  const exit = await exited;
  clearTimeout(timer);
  return { ...exit, output: logs() };
}

interface Started {
  readonly child: ChildProcess;
  readonly logs: () => string;
  readonly exited: Promise<Exit>;
}

function running({ child, logs, exited }: Started): Running {
  return {
    pid: child.pid!,
    logs,
    kill: (signal) => void child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function start(args: readonly string[], env: Env): Started {
  // Nothing of the test's own environment but what programs need to be found: nobody's API key gets in.
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, ['--enable-source-maps', ...args], {
    cwd: root,
    env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    // 'close', not 'exit': by then everything that it wrote has been read.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, logs: () => output, exited };
}

async function listeningPort(child: ChildProcess, logs: () => string, exited: Promise<Exit>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const look = (): void => {
    const line = logs()
      .split('\n')
      .find((text) => text.includes('"event":"service.started"') && text.endsWith('}'));
    if (line !== undefined) resolve(Number((JSON.parse(line) as { port: number }).port));
  };
  child.stdout?.on('data', look);
  const timer = setTimeout(() => resolve(null), startsWithinMs);
  const port = await Promise.race([promise, exited.then(() => null)]);
  clearTimeout(timer);
  child.stdout?.off('data', look);
  if (port !== null) return port;
  child.kill('SIGKILL');
  const { code, signal } = await exited;
  throw new Error(`the service did not start (exit code ${code}, signal ${signal}):\n${logs()}`);
}

let built: Promise<void> | undefined;

/** Builds the service if that was not done since its source last changed. */
export function build(): Promise<void> {
  built ??= buildIfStale();
  return built;
}

async function buildIfStale(): Promise<void> {
  const builtMs = await stat(builtFile).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (builtMs > (await newestMs(fileURLToPath(new URL('../../src', import.meta.url))))) return;
  const child = spawn('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error('npm run build failed');
}

async function newestMs(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const times = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(`${parentPath}/${name}`)).mtimeMs),
  );
  return Math.max(...times);
}
