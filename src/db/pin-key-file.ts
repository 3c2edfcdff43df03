import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { makeDataDir, notWritable } from './embedded-home.ts';
import { errorCode, reason } from './embedded-run.ts';

const fileName = 'pin-encryption-key';
const keyBytes = 32;

/**
 * The PIN key of an embedded database, made on first use in `dataDir` and readable by its owner only. Processes that
 * start at once get the same key. Throws a UserError if the folder is not writable, or if the file does not hold a key: a new
 * one would make every stored PIN unreadable in silence.
 */
export async function loadOrCreateKeyFile(dataDir: string): Promise<Buffer> {
  const folder = await makeDataDir(dataDir);
  const path = join(folder, fileName);
  return (await readKey(path)) ?? (await createKey(folder, path));
}

async function createKey(folder: string, path: string): Promise<Buffer> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(keyBytes).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link, not a rename: it appears whole, and it fails if another process was quicker.
    await link(draft, path).catch(ignoreExisting);
    await syncFolder(folder);
  } catch (error) {
    throw notWritable(path, error);
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(path);
  if (key === undefined) throw new Error(`${path} was removed while it was made`);
  return key;
}

/** The key, or undefined if there is no file. */
async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    const message = `${path} cannot be read: ${reason(error)}. Run Relatch as the user that it belongs to.`;
    throw new UserError('pin_key_file', message, { cause: error });
  });
  if (text === undefined) return undefined;
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length === keyBytes) return key;
  throw new UserError(
    'pin_key_file',
    `${path} does not hold a PIN key of ${keyBytes} bytes in base64: put it back from a backup, or set PIN_ENCRYPTION_KEYS; without it the stored PINs cannot be read.`,
  );
}

function ignoreExisting(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}

// The name must survive a power failure as the PINs do.
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows opens no folders
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
