import { eraseHolder } from '../flows/erase-holder.ts';
import { type Command, readArgs, wrongUse } from './command.ts';
import { withTool } from './tool.ts';

const usage = [
  'holders erase NAME | --schedule KEY',
  '                    takes a holder’s name and PINs out of the database and keeps what was done and when; their schedules must be',
  '                    paused or ended and their codes gone',
];

/** Erases people. */
export const holders: Command = {
  usage,
  async run([verb, ...args]) {
    if (verb !== 'erase') throw wrongUse({ usage }, 'Say erase.');
    const { values, positionals } = readArgs({ usage }, args, {
      options: { schedule: { type: 'string' } },
      allowPositionals: true,
    });
    const [holder, ...more] = positionals;
    const by = holder !== undefined ? { holder } : values.schedule !== undefined ? { key: values.schedule } : null;
    if (by === null || more.length > 0 || (holder !== undefined && values.schedule !== undefined))
      throw wrongUse({ usage }, 'Give one name (in quotes), or --schedule KEY.');
    const { schedules, words, stillNaming, devices } = await withTool((tool) => eraseHolder(tool, by));
    console.log(
      `Erased: holder and PINs of ${schedules.length} schedules (${schedules.join(', ') || 'none'}), the name in ${words} other rows.`,
    );
    if (stillNaming.length > 0) console.log(`Still named so, to be renamed by you: ${stillNaming.join(', ')}.`);
    if (devices.length > 0)
      console.log(`Seam calls devices so, and will tell it again: rename them there: ${devices.join(', ')}.`);
    if (schedules.length > 0)
      console.log('Take the name out of the schedules file as well: the next seed would bring it back.');
  },
};
