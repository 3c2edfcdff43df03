import { expect, it } from 'vitest';
import { z } from 'zod';
import { fieldWords } from '../../src/core/field-words.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { answerWindows } from '../../src/core/windows-question.ts';
import { apiRoutes } from '../../src/http/api-routes.ts';
import { IdParams, InstantParam, Limit } from '../../src/http/api-schemas.ts';

const span = z.strictObject({ from: z.string().optional(), to: z.string().optional() });
const days = z.record(z.string().regex(/^\d+$/, { error: 'It must be a day.' }), z.string());

it.each<[string, z.ZodType, unknown]>([
  ['It is missing: add it.', z.strictObject({ until: z.string() }), {}],
  ['It is empty: give it a text, or leave it out.', z.string(), null],
  ['It must be a text: put it in quotes.', z.string(), 5],
  ['It must be a single text.', z.string(), ['a', 'b']],
  ['It must be true or false.', z.boolean(), 'yes'],
  ['It must be active, paused or ended.', z.enum(['active', 'paused', 'ended']), 'on'],
  ['It must be a number.', Limit, 'many'],
  ['It must be a whole number.', Limit, '1.5'],
  ['It must be at least 1.', Limit, '0'],
  ['It must be at most 200.', Limit, '201'],
  ['It must be a list: write [a, b].', z.array(z.string()), 'a'],
  ['It must hold at least 1 entry.', z.array(z.string()).min(1), []],
  ['It must hold at most 2 entries.', z.array(z.string()).max(2), ['a', 'b', 'c']],
  ['It must hold fields: write { name: value }.', z.strictObject({}), 'a'],
  ['It must hold fields: write { name: value }.', z.record(z.string(), z.string()), []],
  ['It must have at least 1 character.', z.string().min(1), ''],
  ['It must have at most 100 characters.', z.string().max(100), 'a'.repeat(101)],
  ['It must be an id as lists and answers show it: 36 characters.', IdParams.shape.id, 'crew'],
  ['It must be an instant such as 2027-03-08T07:30:00Z.', InstantParam, 'today'],
  ['It must be a day.', days, { a: 'b' }],
  ['This field is not known. The fields here are from, to.', span, { at: 1 }],
  ['This field is not known. There is no field here.', z.strictObject({}), { at: 1 }],
])('says in plain words "%s"', (words, schema, given) => {
  const { error } = schema.safeParse(given, { error: fieldWords });
  expect(error?.issues.map(({ message }) => message)).toEqual([words]);
});

const long = 'x'.repeat(600);
const wrong = [undefined, null, true, 5, 1.5, -1, 1e300, '', 'x', ' x ', long, '1.5', '0', '1000', '1e300', '\n']
  .map((value): unknown => value)
  .concat([[[]], [[1]], [['a', 'a']], [[{}]], {}, { x: 1 }]);

/** Messages that zod has in its own words, or that are no sentence. */
function ofZod(messages: readonly (string | undefined)[]): string[] {
  return messages
    .map(String)
    .filter((text) => !/^[^a-z].*\.$/s.test(text) || /^(Invalid|Too|Unrecognized)\b/.test(text));
}

it.each(
  apiRoutes.map((route) => [`${route.method} ${route.path}`, route] as const),
)('tells no mistake in a request to %s in words of zod', (_, { params, query, body }) => {
  for (const part of [params, query, body]) {
    const names = part !== undefined && 'shape' in part ? Object.keys(Object(part.shape)) : [];
    const given = [...wrong, ...names.flatMap((name) => wrong.map((value) => ({ [name]: value })))];
    const issues = given.flatMap((one) => part?.safeParse(one, { error: fieldWords }).error?.issues ?? []);
    expect(ofZod(issues.map(({ message }) => message))).toEqual([]);
  }
});

it('tells no mistake in a schedules file or a question to the calculator in words of zod', () => {
  const day = [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }];
  const crew = { key: 'crew', name: 'Crew', devices: ['front'], windows: day };
  const schedule = { ...crew, except: 0, extra: 0, blackouts: 0, grace: 0, pin: 0, allow_other_pin: 0, status: 0 };
  const question = { windows: day, timezone: 'UTC', starts_on: '2027-03-01', after: '2027-03-01T00:00:00Z', count: 1 };
  const mistakes = wrong.slice(1).flatMap((value) => {
    const files = [
      ...Object.keys(schedule).map((name) => ({ schedules: [{ ...crew, [name]: value }] })),
      ...['timezone', 'blackouts', 'schedules'].map((name) => ({ schedules: [], [name]: value })),
      { schedules: [], holidays: value },
      { schedules: [], holidays: { [String(value)]: value } },
    ];
    const asked = [value, ...Object.keys(question).map((name) => ({ ...question, [name]: value }))];
    return [
      ...files.flatMap((file) => {
        const read = parseSchedulesFile(JSON.stringify(file));
        return read.ok ? [] : read.problems.map(({ message }) => message);
      }),
      ...asked.flatMap((one) => {
        const answer = answerWindows(JSON.stringify(one), { why: false });
        return 'error' in answer ? [answer.error.message] : [];
      }),
    ];
  });
  expect(mistakes.length).toBeGreaterThan(200);
  expect(ofZod(mistakes)).toEqual([]);
});
