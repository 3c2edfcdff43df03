// npm run relatch -- pins reencrypt: the step between "the new key is the first one" and "the old key can be thrown away".
import { countPins } from '../core/checkup.ts';
import { type Reencrypted, reencryptPins } from '../flows/reencrypt-pins.ts';
import { type AddCommand, examples } from './command.ts';

/** Moves PINs from older keys to the first one. */
export const addPins: AddCommand = (program, { withTool, print }) => {
  program
    .command('pins')
    .description('How PINs are stored.')
    .addHelpText('after', examples('relatch pins reencrypt'))
    .command('reencrypt')
    .description(
      'Encrypts stored PINs anew with the first of PIN_ENCRYPTION_KEYS, and tells what each key still protects.',
    )
    .addHelpText('after', examples('relatch pins reencrypt'))
    .action(async () => {
      const lines = await withTool(async (tool) =>
        describeReencrypted(await reencryptPins(tool), [...tool.vault.keyIds]),
      );
      print(lines.join('\n'));
    });
};

/** What was done, and of each key what it still protects. @param keyIds the first encrypts */
export function describeReencrypted({ moved, unreadable, inUse }: Reencrypted, keyIds: readonly string[]): string[] {
  const lines = keyIds.map((id, index) => {
    const held = inUse.get(id) ?? 0;
    if (index === 0) return `${id}, the first key: ${countPins(held)} under it.`;
    if (held === 0)
      return `${id}: no PIN is under it any more. Take it out of PIN_ENCRYPTION_KEYS once all replicas run with the new first key.`;
    return `${id}: ${countPins(held)} still under it. Run: relatch pins reencrypt`;
  });
  const broken = `${countPins(unreadable)} damaged and stayed as they were. Restore the database, or rotate the PIN of those schedules.`;
  return [`Encrypted anew: ${moved}.`, ...(unreadable > 0 ? [broken] : []), ...lines];
}
