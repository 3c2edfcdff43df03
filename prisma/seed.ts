// npm run seed [FILE] [--revive]: applies a schedules file; a running Relatch makes the plans. Needs no key of Seam; with one, doors
// are asked first what they take.
import { relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ApplyFileOptions, applyFile } from '../src/commands/apply-file.ts';
import { newProgram, runWords } from '../src/commands/command.ts';
import { withTool } from '../src/commands/tool.ts';
import { linePrinter, runProgram } from '../src/run-program.ts';

// The same from prisma/ and from dist/.
const example = new URL('../prisma/schedules.example.yaml', import.meta.url);

const print = linePrinter();

await runProgram(() => {
  const seed = newProgram('npm run seed', print)
    .description('Applies a schedules file.')
    .usage('[FILE] [-- --revive]')
    .argument('[FILE]', 'schedules to apply', relative('', fileURLToPath(example)))
    .option('--revive', 'lets "status: active" lead back from paused and ended')
    .action((file: string, options: ApplyFileOptions) =>
      applyFile(
        { withTool: (run) => withTool(run, 'warn'), print, readInput: () => text(process.stdin) },
        file,
        options,
      ),
    );
  return runWords(seed, process.argv.slice(2));
});
