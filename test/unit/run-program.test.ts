import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

// On that night the clocks of Chatham skip 02:45 to 03:45, and date-fns-tz has no way to say a time in between.
it('tells the times of other zones right, whatever the clocks of the machine skip', async () => {
  const program = `
    import { runProgram } from './src/run-program.ts';
    import { formatInTimeZone } from 'date-fns-tz';
    await runProgram(async () => console.log(formatInTimeZone(new Date('2027-09-26T01:15:00Z'), 'Europe/Berlin', 'HH:mm')));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    env: { TZ: 'Pacific/Chatham' },
  });
  expect(stdout).toBe('03:15\n');
});
