// What is wrong with a field, in plain words: what was expected, and so how to mend it. The same in schedules files, requests and
// questions to the calculator; zod's own words are a programmer's.
import type { z } from 'zod';

const expectedWords: Readonly<Record<string, string>> = {
  number: 'It must be a number.',
  int: 'It must be a whole number.',
  boolean: 'It must be true or false.',
  array: 'It must be a list: write [a, b].',
  object: 'It must hold fields: write { name: value }.',
  record: 'It must hold fields: write { name: value }.',
};

/** The words for what zod finds, where a schema has none of its own: to be given to zod wherever it reads what people wrote. */
export function fieldWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'It is missing: add it.';
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'string' ? textWords(issue.input) : expectedWords[issue.expected];
    case 'invalid_value':
      return `It must be ${oneOf(issue.values.map(String))}.`;
    case 'invalid_format':
      return issue.format === 'guid' ? 'It must be an id as lists and answers show it: 36 characters.' : undefined;
    case 'too_small':
      return `It must ${sizeWords(issue.origin, 'at least', Number(issue.minimum))}.`;
    case 'too_big':
      return `It must ${sizeWords(issue.origin, 'at most', Number(issue.maximum))}.`;
    case 'invalid_key':
      return issue.issues[0]?.message;
    case 'unrecognized_keys':
      return unknownName(
        issue.inst !== undefined && 'shape' in issue.inst ? Object.keys(Object(issue.inst.shape)) : [],
      );
    default:
      return undefined;
  }
}

/** Of a name that may not stand where others may. */
export function unknownName(known: readonly string[], what = 'field'): string {
  const there = known.length === 0 ? `There is no ${what} here.` : `The ${what}s here are ${known.join(', ')}.`;
  return `This ${what} is not known. ${there}`;
}

function textWords(input: unknown): string {
  if (input === null) return 'It is empty: give it a text, or leave it out.';
  return typeof input === 'object' ? 'It must be a single text.' : 'It must be a text: put it in quotes.';
}

function sizeWords(origin: string, bound: string, size: number): string {
  if (origin === 'string') return `have ${bound} ${size === 1 ? '1 character' : `${size} characters`}`;
  if (origin === 'array') return `hold ${bound} ${size === 1 ? '1 entry' : `${size} entries`}`;
  return `be ${bound} ${size}`;
}

/** "a, b or c". */
function oneOf(words: readonly string[]): string {
  return words.join(', ').replace(/, ([^,]*)$/, ' or $1');
}
