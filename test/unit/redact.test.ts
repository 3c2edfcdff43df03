import { describe, expect, it } from 'vitest';
import { cutDigits, cutDigitsInText, redactPins } from '../../src/core/redact.ts';

const uuid = '9a1d3c52-0000-4000-8000-123456789012';

describe('a run of digits', () => {
  it.each([
    ['room 123', 'room 123'],
    ['code 4711.', 'code [cut].'],
    ['a4711b 08150815', 'a[cut]b [cut]'],
    ['123456789012', '[cut]'],
    ['1234567890123', '1234567890123'],
    ['no digits', 'no digits'],
  ])('%s is stored as %s', (text, stored) => {
    expect(cutDigits(text)).toBe(stored);
    expect(redactPins({ message: text })).toEqual({ message: stored });
    expect(redactPins({ [text]: true })).toEqual({ [stored]: true });
  });

  it('in prose is cut beside UUIDs, not in them', () => {
    expect(cutDigitsInText(`${uuid}: 4711 is taken by ${uuid.toUpperCase()}, not by 0815`)).toBe(
      `${uuid}: [cut] is taken by ${uuid.toUpperCase()}, not by [cut]`,
    );
  });
});

describe('redactPins', () => {
  it.each([
    [999, 999],
    [1000, '[cut]'],
    [-4711, '[cut]'],
    [999_999_999_999, '[cut]'],
    [1_000_000_000_000, 1_000_000_000_000],
    [-1_000_000_000_000, -1_000_000_000_000],
    [4711.5, 4711.5],
    [Number.POSITIVE_INFINITY, null],
    [true, true],
    [false, false],
    [null, null],
    [undefined, null],
  ])('stores %s as %s', (value, stored) => {
    expect(redactPins(value)).toBe(stored);
    expect(redactPins({ value: [value] })).toEqual({ value: [stored] });
  });

  it.each([
    ['id', true],
    ['device_id', true],
    ['acs_user_ids', true],
    ['identity', false],
    ['valid', false],
    ['message', false],
  ])('under the key %s, keeps digits: %s', (key, isKept) => {
    const stored = isKept ? { [key]: ['4711', 4711] } : { [key]: ['[cut]', '[cut]'] };
    expect(redactPins({ [key]: ['4711', 4711] })).toEqual(stored);
  });

  it.each([
    uuid,
    uuid.toUpperCase(),
    '2026-03-02T16:00Z',
    '2026-03-02T16:00:00Z',
    '2026-03-02T16:00:00.000001+0100',
    '2026-03-02T16:00:00-01:00',
  ])('keeps %s anywhere, alone but not within a text', (text) => {
    expect(redactPins([text])).toEqual([text]);
    expect(redactPins([`${text} 1`])).not.toEqual([`${text} 1`]);
    expect(redactPins([`1 ${text}`])).not.toEqual([`1 ${text}`]);
  });

  it.each([
    'code',
    'pin',
    'pin_code',
    'pincode',
    'access_code',
    'backup_code',
    'PIN',
    'Access_Code',
  ])('cuts all that is under %s, and both values where that is the property that changed', (key) => {
    expect(redactPins({ [key]: 'a', other: 'b' })).toEqual({ [key]: '[cut]', other: 'b' });
    expect(redactPins({ property: key, from: 'a', to: ['b'], at: 'c' })).toEqual({
      property: key,
      from: '[cut]',
      to: '[cut]',
      at: 'c',
    });
  });

  it('keeps both values of another property, and that there was no code', () => {
    const changes = [
      { property: 'name', from: 'a', to: 'b' },
      { property: 7, from: 'a', to: 'b' },
      { name: 'code', from: 'a', to: 'b' },
      { property: 'code', from: null, to: null },
    ];
    expect(redactPins({ changes })).toEqual({ changes });
  });

  it('cuts what lies deeper than 32 levels', () => {
    const nested = (levels: number, innermost: unknown) => {
      let value = innermost;
      for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
      return value;
    };
    expect(redactPins(nested(32, 'x'))).toEqual(nested(32, 'x'));
    expect(redactPins(nested(32, ['x']))).toEqual(nested(32, '[cut]'));
  });

  it('puts U+FFFD where PostgreSQL can hold no character, in keys as in values', () => {
    expect(redactPins({ 'a\u0000\uD800b': 'c\u0000\uDC00\u0000d', '😀': '😀' })).toEqual({
      'a\uFFFD\uFFFDb': 'c\uFFFD\uFFFD\uFFFDd',
      '😀': '😀',
    });
  });
});
