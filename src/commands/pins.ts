// npm run relatch -- pins reencrypt: the step between "the new key is the first one" and "the old key can be thrown away".
import { countPins } from '../core/checkup.ts';
import { type Reencrypted, reencryptPins } from '../flows/reencrypt-pins.ts';
import { type Command, readArgs, wrongUse } from './command.ts';
import { withTool } from './tool.ts';

const usage = [
  'pins reencrypt',
  '                    encrypts stored PINs anew with the first of PIN_ENCRYPTION_KEYS and tells what each key still protects',
];

/** Moves PINs from older keys to the first one. */
export const pins: Command = {
  usage,
  async run([verb, ...args]) {
    if (verb !== 'reencrypt') throw wrongUse({ usage }, 'Say reencrypt.');
    readArgs({ usage }, args, {});
    const lines = await withTool(async (tool) =>
      describeReencrypted(await reencryptPins(tool), [...tool.vault.keyIds]),
    );
    console.log(lines.join('\n'));
  },
};

/** What was done, and of each key what it still protects. @param keyIds the first encrypts */
export function describeReencrypted({ moved, unreadable, inUse }: Reencrypted, keyIds: readonly string[]): string[] {
  const lines = keyIds.map((id, index) => {
    const held = inUse.get(id) ?? 0;
    if (index === 0) return `${id}, the first key: ${countPins(held)} under it.`;
    if (held === 0)
      return `${id}: no PIN is under it any more. Take it out of PIN_ENCRYPTION_KEYS once all replicas run with the new first key.`;
    return `${id}: ${countPins(held)} still under it. Run: pins reencrypt`;
  });
  const broken = `${countPins(unreadable)} damaged and stayed as they were. Restore the database, or rotate the PIN of those schedules.`;
  return [`Encrypted anew: ${moved}.`, ...(unreadable > 0 ? [broken] : []), ...lines];
}
