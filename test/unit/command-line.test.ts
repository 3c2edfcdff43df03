import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { table } from '../../src/commands/output.ts';
import { relatchHere } from '../support/cli.ts';

const words = [
  [],
  ['schedules'],
  ...['list', 'show', 'apply', 'pause', 'resume', 'end', 'revoke', 'skip', 'unskip', 'extend', 'extra'].map((verb) => [
    'schedules',
    verb,
  ]),
  ['schedules', 'reopen'],
  ['schedules', 'rotate'],
  ['windows'],
  ['codes'],
  ['codes', 'list'],
  ['codes', 'adopt'],
  ['events', 'list'],
  ['events', 'replay'],
  ['alerts', 'list'],
  ['alerts', 'acknowledge'],
  ['dead-letters', 'list'],
  ['dead-letters', 'retry'],
  ['dead-letters', 'drop'],
  ['reconcile'],
  ['explain'],
  ['doctor'],
  ['webhook'],
  ['webhook', 'register'],
  ['pins'],
  ['pins', 'reencrypt'],
  ['holders', 'erase'],
  ['events'],
  ['alerts'],
  ['dead-letters'],
  ['holders'],
  ['feeds'],
  ...['create', 'list', 'renew', 'revoke'].map((verb) => ['feeds', verb]),
];

describe('relatch --help', () => {
  it.each(words.map((some) => [some.join(' '), some]))('explains relatch %s', async (_, some) => {
    const { code, output } = await relatchHere(null, [...some, '--help']);
    expect(code).toBe(0);
    expect(output).toContain('Exit codes:');
    expect(output).toContain(`Examples:\n  $ relatch ${some.join(' ')}`);
    expect(output).toMatchSnapshot();
  });
});

describe('what is wrong', () => {
  it.each([
    [['schedules', 'list', '--status', 'gone'], 'Allowed choices are active, paused, ended.'],
    [['schedules', 'pause'], "Missing required argument 'KEYS'."],
    [['schedules', 'skip', 'crew', '--date', '2027-02-30'], 'It must be a date that exists, such as 2027-03-08.'],
    [['schedules', 'extend', 'crew', '--until', '9'], 'It must be a time such as 19:30.'],
    [['schedules', 'extra', 'crew', '--date', '2027-03-08'], "Required option '--from <TIME>' not specified."],
    [['windows'], 'Name a schedule by its key, or say --stdin.'],
    [['windows', 'crew', '--count', '0'], 'It must be a whole number from 1 to 1000.'],
    [['events', 'list', '--limit', 'all'], 'It must be a whole number from 1 to 10000.'],
    [['dead-letters', 'retry'], 'Name letters by their ids, or say --all.'],
    [['holders', 'erase'], 'Give one name (in quotes), or --schedule KEY.'],
    [['schedules'], 'Say one of list, show, apply, '],
    [['alerts', 'see'], "Unknown command 'see'. Say one of list, acknowledge."],
    [['alerts', 'ack', 'x'], 'Name one alert by its id.'],
    [['alerts', 'lst'], "Unknown command 'lst'. Did you mean list?"],
    [['explain', 'crew', '--at', 'noon'], 'It must be an instant with its zone, such as 2027-03-08T09:00:00-05:00.'],
    [['webhook', 'register', 'http://here'], 'https://'],
    [['webhook', 'register'], "Missing required argument 'URL'."],
  ])('in %j is told with how to do it right', async (given, sentence) => {
    const { code, output } = await relatchHere(null, given);
    expect(code).toBe(2);
    expect(output).toContain(sentence);
    expect(output).toMatch(/\nUsage: relatch .*\nMore: relatch .*--help$/);
  });

  it.each([
    ['schedules', 'rotate', 'crew', '48213'],
    ['schedules', 'rotate', 'crew', '--pin', '48213'],
    ['schedules', 'rotate', 'crew', '--pin=48213'],
    ['schedules', 'rotate', 'crew', '--pin-stdin=48213'],
  ])('repeats no PIN that was given as a word: %s %s %s %s', async (...given) => {
    const { code, output } = await relatchHere(null, given);
    expect(code).toBe(2);
    expect(output).not.toContain('48213');
  });

  it('repeats no PIN that was read', async () => {
    const ran = await relatchHere(null, ['schedules', 'rotate', 'crew', '--pin-stdin'], '48213x\n');
    expect(ran).toEqual({
      code: 2,
      output: 'What stands on standard input is no PIN: give 4 to 8 digits, and nothing else.',
    });
  });
});

describe('a table', () => {
  const columns = [
    { title: 'KEY', of: ({ key }: { key: string }) => key },
    { title: 'NAME OF IT', of: ({ key }: { key: string }) => `the ${key}` },
    { title: 'LAST', of: () => 'x' },
  ];

  it('is aligned, without room at the ends of its lines', () => {
    expect(stripVTControlCharacters(table([{ key: 'crew' }, { key: 'gardener' }], columns)).split('\n')).toEqual([
      'KEY       NAME OF IT    LAST',
      'crew      the crew      x',
      'gardener  the gardener  x',
    ]);
  });

  it('lets no name move the cursor', () => {
    const text = table([{ key: 'a\u001b[2J\rb\u0007\nc' }], columns.slice(0, 1));
    expect(stripVTControlCharacters(text)).toBe('KEY\na b c');
  });
});
