// Runs one of PostgreSQL's programs, and puts failures into words.

import { spawn } from 'node:child_process';
import { dirname, parse } from 'node:path';
import type { Account } from './embedded-account.ts';

/** What a program left behind. */
export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, under `account` if there is one. Rejects only if it cannot be started at all.
 * The environment is ours minus PostgreSQL's own variables (a PGPORT or PGDATA of the user would lead it astray), in
 * English, because messages are matched.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly account: Account | undefined },
): Promise<Finished> {
  const { account } = options;
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  const child = spawn(program, args, {
    // Not ours: the account may not be let into the folder that we were started in.
    cwd: parse(dirname(program)).root || '/',
    env: { ...Object.fromEntries(kept), LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const exitCode = await new Promise<number | null>((settle, fail) => {
    child.once('error', fail);
    child.once('close', settle);
    // A server started by pg_ctl may keep our end of the pipes open on some systems; its starter's end is what counts.
    child.once('exit', (code) => setTimeout(settle, 1_000, code).unref());
  });
  child.stdout.destroy();
  child.stderr.destroy();
  return { exitCode, stdout, stderr };
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'something else of that name is there',
};

/** An error's cause in words. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return CAUSES[code] ?? error.message;
}

/** The lines of a program's output that say what went wrong, on one line. */
export function lastLines(output: string): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '');
  // pg_ctl starts the server through a shell, which tells by itself that a log cannot be written.
  const telling = lines.filter((line) =>
    /^\/bin\/sh: |\b(FATAL|PANIC|ERROR|error|HINT|could not|No space left)\b/.test(line),
  );
  return (telling.length > 0 ? telling : lines).slice(-3).join('; ').trim();
}

/** An error's code as Node and pg set it (`ENOENT`, `57P03`); undefined if it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
