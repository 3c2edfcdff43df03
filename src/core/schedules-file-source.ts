// Where things stand in a YAML text: problems are told with the line that the reader has to mend.
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { cutDigits } from './redact.ts';

/** Names and positions from the top of the file down to a value. */
export type Path = readonly (string | number)[];

/** A mistake in the file: where, and a sentence that names cause and remedy. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly message: string;
}

/** A YAML text with the place of each value in it. */
export interface Source {
  /** What the text holds; undefined when it is no YAML at all. */
  readonly content: unknown;
  /** Mistakes of YAML itself: syntax, a key given twice. */
  readonly problems: readonly Problem[];
  problemAt(path: Path, message: string): Problem;
}

/** Reads a YAML 1.2 text; dates and times stay texts there. */
export function readSource(text: string): Source {
  const lines = new LineCounter();
  // Pretty errors and warnings quote the source, which may hold a PIN.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', logLevel: 'error' });
  const place = (offset: number) => {
    const { line, col: column } = lines.linePos(offset);
    return { line, column };
  };
  const problems = document.errors.map(({ code, message, pos }): Problem => {
    const isRepeated = code === 'DUPLICATE_KEY';
    return {
      ...place(pos[0]),
      field: isRepeated ? fieldAt(document, pos[0]) : 'file',
      message: isRepeated ? 'It is given twice here: keep one of them.' : syntaxMessage(code, message),
    };
  });
  const isBroken = document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
  return {
    content: isBroken ? undefined : contentOf(document, problems),
    problems,
    problemAt: (path, message) => ({ ...place(offsetOf(document, path)), field: fieldName(path), message }),
  };
}

/** `schedules[2].windows[0].rrule` for a path; `file` for the file as a whole. */
function fieldName(path: Path): string {
  const name = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : part === '' ? '[""]' : `.${part}`))
    .join('');
  return name === '' ? 'file' : name.replace(/^\./, '');
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'The file holds several YAML documents: keep one, without further "---" lines.';
  if (code === 'TAB_AS_INDENT') return 'The line is indented with a tab: use spaces.';
  // Some messages quote what stands there, which may be a PIN.
  const reason = cutDigits(message.replace(/: ".*/s, '').replace(/\.$/, ''));
  return `The file is not valid YAML here: ${reason}.`;
}

function contentOf(document: Document.Parsed, problems: Problem[]): unknown {
  try {
    return document.toJS();
  } catch {
    problems.push({
      line: 1,
      column: 1,
      field: 'file',
      message: 'Aliases (*name) lead nowhere or too far: write the values out.',
    });
    return undefined;
  }
}

/** The offset of the key or list entry at a path, or of the closest thing above that exists. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => keyText(key) === String(part));
      offset = startOf(pair?.key) ?? offset;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

/** The field whose key begins at an offset. */
function fieldAt(document: Document.Parsed, offset: number): string {
  let found = 'file';
  visit(document, {
    Pair(_, pair, ancestors) {
      if (startOf(pair.key) !== offset) return undefined;
      found = fieldName([...pathOf([...ancestors, pair])]);
      return visit.BREAK;
    },
  });
  return found;
}

function pathOf(chain: readonly unknown[]): Path {
  return chain.flatMap((node, index): Path => {
    if (isSeq(node)) return [node.items.indexOf(chain[index + 1])];
    return isPair(node) ? [keyText(node.key)] : [];
  });
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : '';
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
