// Which PINs a lock takes, and the draw of one that nobody guesses. Seam's words for constraints leave room for reading:
// a PIN given by the user is refused only for what is certain, a drawn one keeps the strictest reading.

/** What a lock asks of a PIN; `lengths` null: not known, or any. Types as Seam names them; unknown ones do no harm. */
export interface PinConstraints {
  readonly lengths: readonly number[] | null;
  readonly types: readonly string[];
}

/** A whole number from 0 up to, but not including, the bound; each equally likely. */
export type RandomInt = (maxExclusive: number) => number;

/** What a PIN is drawn by while nothing is known of the lock: most locks take such a PIN. */
export const generalConstraints: PinConstraints = {
  lengths: [6],
  types: [
    'no_zeros',
    'cannot_start_with_12',
    'no_triple_consecutive_ints',
    'no_ascending_or_descending_sequence',
    'at_least_three_unique_digits',
    'cannot_contain_089',
    'unique_first_four_digits',
    'no_all_same_digits',
  ],
};

// Seam takes 4 to 8 digits, whatever a lock could hold.
const shortestPin = 4;
const longestPin = 8;
const preferredLength = 6;
const maxDraws = 10_000;
const allDigits = '0123456789';
const wellKnown: ReadonlySet<string> = new Set([
  ...['7890', '0987', '2580', '0852', '1379', '9731', '1590', '3570'],
  ...['159357', '357159', '147258', '258369', '852456', '567890', '098765'],
]);

const lines = ['123', '456', '789', '147', '258', '369', '159', '357'];
const keypadLines: ReadonlySet<string> = new Set(lines.flatMap((line) => [line, [...line].reverse().join('')]));

// As people write the days they remember, in whatever order: a year, a month of one, a day without one or with.
const dateParts: Readonly<Record<string, string>> = {
  Y: '(19|20)\\d\\d',
  y: '\\d\\d',
  M: '(0[1-9]|1[0-2])',
  D: '(0[1-9]|[12]\\d|3[01])',
};
const dates = ['Y', 'MY', 'YM', 'DM', 'MD', 'DMy', 'MDy', 'yMD', 'DMY', 'MDY', 'YMD'].map(
  (order) => new RegExp(`^${[...order].map((part) => dateParts[part]).join('')}$`),
);

interface Constraint {
  /** Ends the sentence "the PIN …". */
  readonly message: string;
  /** Digits that cannot occur at all. */
  readonly digits?: string;
  /** Certainly refused by the lock. */
  readonly refuses: (pin: string) => boolean;
  /** Perhaps refused: not drawn. */
  readonly avoids?: (pin: string) => boolean;
}

const constraintsByType: ReadonlyMap<string, Constraint> = new Map<string, Constraint>([
  ['no_zeros', withoutDigits('0')],
  ['cannot_contain_089', withoutDigits('089')],
  ['cannot_contain_0789', withoutDigits('0789')],
  ['cannot_start_with_12', { message: 'may not start with 12', refuses: (pin) => pin.startsWith('12') }],
  [
    'no_triple_consecutive_ints',
    {
      message: 'may not have more than three digits in a row that are the same or follow each other',
      refuses: (pin) => longestRun(pin) > 3,
      avoids: (pin) => longestRun(pin) >= 3,
    },
  ],
  [
    'no_ascending_or_descending_sequence',
    {
      message: 'may not be a rising or falling sequence',
      refuses: (pin) => longestRun(pin, [1, -1]) === pin.length,
      avoids: (pin) => longestRun(pin, [1, -1]) >= 3,
    },
  ],
  [
    'at_least_three_unique_digits',
    { message: 'needs at least three different digits', refuses: (pin) => new Set(pin).size < 3 },
  ],
  [
    'unique_first_four_digits',
    {
      // Whether the four must differ from each other or from other codes' is not documented: the draw does both.
      message: 'shares its first four digits with another PIN on this lock',
      refuses: () => false,
      avoids: (pin) => new Set(pin.slice(0, 4)).size < 4,
    },
  ],
  ['no_all_same_digits', { message: 'may not repeat one digit throughout', refuses: (pin) => new Set(pin).size === 1 }],
  [
    'cannot_specify_pin_code',
    { message: 'cannot be chosen: the lock draws its own (leave it at keep or rotate)', refuses: () => true },
  ],
]);

/**
 * Why a lock would not take this PIN, as the end of a sentence that begins "the PIN"; null when nothing speaks against it.
 * Never repeats the PIN.
 */
export function pinProblem(pin: string, constraints: PinConstraints): string | null {
  if (!isPin(pin)) return 'must be 4 to 8 digits';
  const { lengths } = constraints;
  if (lengths !== null && !lengths.includes(pin.length)) {
    return `has ${pin.length} digits, this lock takes ${[...lengths].sort((a, b) => a - b).join(' or ')}`;
  }
  return applying(constraints).find(({ refuses }) => refuses(pin))?.message ?? null;
}

/** Whether a text is 4 to 8 ASCII digits. */
export function isPin(text: string): boolean {
  return /^[0-9]{4,8}$/.test(text);
}

/**
 * Draws a PIN that the lock takes, that is not taken there and that nobody would try first; each such PIN is equally likely.
 * Null when the constraints leave none, or so few that they were not found.
 */
export function drawPin(
  constraints: PinConstraints,
  random: RandomInt,
  taken: ReadonlySet<string> = new Set(),
): string | null {
  const length = lengthToDraw(constraints.lengths);
  if (length === null) return null;
  // Whether the PIN can be chosen at all is the caller's question; here it would only forbid every draw.
  const rules = applying(constraints).filter((rule) => rule !== constraintsByType.get('cannot_specify_pin_code'));
  const excluded = rules.map((rule) => rule.digits).join();
  const digits = [...allDigits].filter((digit) => !excluded.includes(digit));
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const pin = Array.from({ length }, () => digits[random(digits.length)]).join('');
    const refused =
      taken.has(pin) ||
      isGuessable(pin) ||
      sharesFirstFour(pin, constraints, taken) ||
      rules.some((rule) => rule.refuses(pin) || rule.avoids?.(pin));
    if (!refused) return pin;
  }
  return null;
}

/** Whether a PIN is among those that are tried first: runs, repeats, years and birthdays, patterns of the keypad. */
export function isGuessable(pin: string): boolean {
  if (longestRun(pin) >= 4 || new Set(pin).size < 3 || isRepetition(pin) || wellKnown.has(pin)) return true;
  return isOfKeypadLines(pin) || dates.some((date) => date.test(pin));
}

/** Two lines of the keypad, one after the other, each in any direction: 147369, 123789. */
function isOfKeypadLines(pin: string): boolean {
  return pin.length === 6 && [pin.slice(0, 3), pin.slice(3)].every((line) => keypadLines.has(line));
}

/** The constraints that satisfy every one of several locks; null when no length does. */
export function commonConstraints(all: readonly PinConstraints[]): PinConstraints | null {
  const types = [...new Set(all.flatMap((constraints) => constraints.types))];
  const lengthLists = all.flatMap(({ lengths }) => (lengths === null ? [] : [lengths]));
  const [first, ...others] = lengthLists;
  if (first === undefined) return { lengths: null, types };
  const lengths = first.filter((length) => others.every((list) => list.includes(length)));
  return lengths.length === 0 ? null : { lengths, types };
}

function withoutDigits(digits: string): Constraint {
  const list = [...digits].join(', ').replace(/, (\d)$/, ' or $1');
  return {
    message: `may not contain ${list}`,
    digits,
    refuses: (pin) => [...digits].some((digit) => pin.includes(digit)),
  };
}

function applying(constraints: PinConstraints): Constraint[] {
  return constraints.types.flatMap((type) => constraintsByType.get(type) ?? []);
}

function sharesFirstFour(pin: string, constraints: PinConstraints, taken: ReadonlySet<string>): boolean {
  if (!constraints.types.includes('unique_first_four_digits')) return false;
  return [...taken].some((other) => other.slice(0, 4) === pin.slice(0, 4));
}

// Six digits if the lock takes them; else longer before shorter.
function lengthToDraw(lengths: readonly number[] | null): number | null {
  if (lengths === null) return preferredLength;
  const possible = lengths.filter((length) => length >= shortestPin && length <= longestPin).sort((a, b) => a - b);
  return possible.find((length) => length >= preferredLength) ?? possible.at(-1) ?? null;
}

/** Length of the longest stretch whose digits all rise, all fall or all stay by one of the steps. */
function longestRun(pin: string, steps: readonly number[] = [0, 1, -1]): number {
  const digits = [...pin].map(Number);
  let longest = 1;
  for (const step of steps) {
    let run = 1;
    for (const [index, digit] of digits.entries()) {
      const previous = digits[index - 1];
      run = previous !== undefined && previous + step === digit ? run + 1 : 1;
      longest = Math.max(longest, run);
    }
  }
  return longest;
}

function isRepetition(pin: string): boolean {
  const blocks = Array.from({ length: Math.floor(pin.length / 2) }, (_, index) => pin.slice(0, index + 1));
  return blocks.some((block) => block.repeat(pin.length).startsWith(pin));
}
