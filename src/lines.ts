/**
 * The lines of a text that comes in pieces; null for one longer than `maxLength`, which is passed over without being kept.
 * Unlike node:readline it does not hold a line of any length.
 */
export async function* linesOf(pieces: AsyncIterable<string>, maxLength: number): AsyncGenerator<string | null> {
  let line: string | null = '';
  for await (const piece of pieces) {
    const [first = '', ...more] = piece.split('\n');
    line = grown(line, first, maxLength);
    for (const next of more) {
      yield line;
      line = grown('', next, maxLength);
    }
  }
  if (line !== '') yield line;
}

function grown(line: string | null, more: string, maxLength: number): string | null {
  return line === null || line.length + more.length > maxLength ? null : line + more;
}
