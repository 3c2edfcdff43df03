#!/usr/bin/env node
// npm run relatch -- COMMAND, and `relatch` in the container: what people and scripts ask of Relatch.
import { text } from 'node:stream/consumers';
import { runRelatch } from './commands/program.ts';
import { linePrinter, runProgram } from './run-program.ts';

await runProgram(() =>
  runRelatch(process.argv.slice(2), {
    // Loaded when asked for: the calculator needs no database.
    withTool: async (run) => (await import('./commands/tool.ts')).withTool(run),
    withSeam: async (run) => (await import('./commands/tool.ts')).withSeam(run),
    print: linePrinter(),
    readInput: () => text(process.stdin),
  }),
);
