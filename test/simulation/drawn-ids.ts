// Ids that the service draws with randomUUID decide in which order it takes doors: here they are drawn from the seed.
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { Chance } from './chance.ts';

const drawing = new AsyncLocalStorage<Chance>();
const randomUUID = crypto.randomUUID;
crypto.randomUUID = (options) => {
  const chance = drawing.getStore();
  return chance === undefined ? randomUUID(options) : idFrom(chance);
};
syncBuiltinESMExports();

/** Runs what draws ids; nothing else that runs meanwhile is touched. */
export function withDrawnIds<T>(chance: Chance, run: () => Promise<T>): Promise<T> {
  return drawing.run(chance, run);
}

export function idFrom(chance: Chance): `${string}-${string}-${string}-${string}-${string}` {
  const word = (digits: number): string =>
    chance
      .below(16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `${word(8)}-${word(4)}-${word(4)}-${word(4)}-${word(8)}${word(4)}`;
}
