// `npm run audit`: whether what Relatch depends on has known holes or licences that nobody looked at. Where the registry cannot be
// asked it says so, and that is no failure: what is known here is judged all the same.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'CC0-1.0',
  'BlueOak-1.0.0',
]);
/** Of tools that are not shipped: they ask for nothing of what is made with them. */
const allowedOfTools = new Set([...allowed, 'MPL-2.0', 'EPL-2.0', 'CC-BY-4.0', 'Zlib']);
/** Read in their LICENSE files, because they name none. */
const readByHand: Readonly<Record<string, string>> = { 'seq-queue': 'MIT' };
const auditTimeoutMs = 20_000;

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
}

/** Whether an SPDX expression of names, AND, OR and parentheses leaves a licence of these. */
export function isAllowed(expression: string, names: ReadonlySet<string>): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  const one = (): boolean => {
    const token = tokens.shift() ?? '';
    if (token !== '(') return names.has(token);
    const inner = either();
    tokens.shift();
    return inner;
  };
  const joined = (word: RegExp, next: () => boolean, join: (a: boolean, b: boolean) => boolean) => (): boolean => {
    let value = next();
    while (word.test(tokens[0] ?? '')) {
      tokens.shift();
      value = join(next(), value);
    }
    return value;
  };
  const both = joined(/^and$/i, one, (a, b) => a && b);
  const either = joined(/^or$/i, both, (a, b) => a || b);
  return either() && tokens.length === 0;
}

/** A sentence for each package whose licence is not allowed. */
export function licenceProblems(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages).flatMap(([path, { license, dev = false }]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    const licence = license ?? readByHand[name] ?? 'no licence';
    return path === '' || isAllowed(licence, dev ? allowedOfTools : allowed) ? [] : [`${name} has ${licence}`];
  });
}

/** What `npm audit --json` found that is high or critical; null where it could not ask. */
export function holes(report: string): string[] | null {
  try {
    const { vulnerabilities } = JSON.parse(report) as { vulnerabilities?: Record<string, { severity: string }> };
    if (vulnerabilities === undefined) return null;
    const found = Object.entries(vulnerabilities).filter(([, { severity }]) => ['high', 'critical'].includes(severity));
    return found.map(
      ([name, { severity }]) => `${name} has a known hole of severity ${severity}: npm audit tells more`,
    );
  } catch {
    return null;
  }
}

function audited(): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: auditTimeoutMs, maxBuffer: 50_000_000 };
    execFile('npm', ['audit', '--omit=dev', '--json'], options, (_error, stdout) => resolve(stdout));
  });
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const found = holes(await audited());
  if (found === null) console.log('Known holes: not asked, because the registry does not answer npm audit.');
  const problems = [...licenceProblems(lock.packages), ...(found ?? [])];
  for (const problem of problems) console.error(problem);
  if (problems.length === 0)
    console.log(
      `${Object.keys(lock.packages).length - 1} packages: licences allowed${found === null ? '' : ', no known holes'}.`,
    );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
