import type { Command } from 'commander';
import { eraseHolder } from '../flows/erase-holder.ts';
import { type AddCommand, type Cli, examples } from './command.ts';
import { countOf } from './output.ts';

/** Erases people. */
export const addHolders: AddCommand = (program, cli) => {
  const holders = program
    .command('holders')
    .description('People who carry PINs.')
    .addHelpText('after', examples('relatch holders erase "Ana Silva"'));
  holders
    .command('erase')
    .description(
      'Takes a holder’s name and PINs out of the database and keeps what was done and when. Their schedules must be paused or ended and their codes gone.',
    )
    .argument('[NAME]', 'as it stands in their schedules, in quotes')
    .option('--schedule <KEY>', 'the holder of this schedule')
    .addHelpText(
      'after',
      examples('relatch holders erase "Ana Silva"', 'relatch holders erase --schedule cleaning-crew'),
    )
    .action((holder: string | undefined, { schedule: key }: { readonly schedule?: string }, command: Command) => {
      const by = holder !== undefined ? { holder } : key !== undefined ? { key } : null;
      if (by === null || (holder !== undefined && key !== undefined))
        return command.error('give one name (in quotes), or --schedule KEY');
      return erase(cli, by);
    });
};

async function erase(
  { withTool, print }: Cli,
  by: { readonly holder: string } | { readonly key: string },
): Promise<void> {
  const { schedules, words, stillNaming, devices, feeds } = await withTool((tool) => eraseHolder(tool, by));
  const found = schedules.length + words;
  print(
    found === 0
      ? 'Nothing to erase: no schedule and no row has the name. Give it as relatch schedules list shows it.'
      : `Erased: holder and PINs of ${countOf(schedules.length, 'schedule')} (${schedules.join(', ') || 'none'}), the name in ${countOf(words, 'other row')}.`,
  );
  if (feeds > 0) print(`Ended: ${countOf(feeds, 'calendar feed')} of theirs.`);
  if (stillNaming.length > 0) print(`Still named so, to be renamed by you: ${stillNaming.join(', ')}.`);
  if (devices.length > 0)
    print(`Seam calls devices so, and will tell it again: rename them there: ${devices.join(', ')}.`);
  if (schedules.length > 0)
    print('Take the name out of the schedules file as well: the next seed would bring it back.');
}
