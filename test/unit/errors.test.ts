import { expect, it } from 'vitest';
import { UserError, unreachable } from '../../src/core/errors.ts';

it('a UserError is told from others by its name and its code, and keeps what caused it', () => {
  const cause = new Error('refused');
  const error = new UserError('database_unreachable', 'Start the database.', { cause });
  expect(error).toMatchObject({
    name: 'UserError',
    code: 'database_unreachable',
    message: 'Start the database.',
    cause,
  });
  expect(String(error)).toBe('UserError: Start the database.');
});

it('a case that no type foresaw is thrown, with what it was', () => {
  expect(() => unreachable({ kind: 'surprise' } as never)).toThrow('unhandled case: {"kind":"surprise"}');
});
