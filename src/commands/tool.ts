import { inspectConfig, readConfig } from '../config.ts';
import { flowDeps, openTool } from '../deps.ts';
import type { DoorReader } from '../flows/ask-doors.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { createSeamApi } from '../seam/api.ts';
import type { CliTool } from './command.ts';

/**
 * Runs something on the database that the environment names, and closes it. People and scripts read the output: the
 * program's own news would stand between its lines. @throws UserError for what the user can mend
 */
export async function withTool<T>(run: (tool: CliTool) => Promise<T>, level: 'silent' | 'warn' = 'silent'): Promise<T> {
  const config = readConfig(process.env, { for: 'tool' });
  await using tool = await openTool({ ...config, log: { level } }, {}, 'tool');
  return await run({ ...tool, seam: doorReader() });
}

/** The same for what asks Seam and changes codes there. Its warnings are printed: they say what Seam did not answer. */
export async function withSeam<T>(run: (deps: FlowDeps) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, { for: 'service' });
  await using tool = await openTool({ ...config, log: { level: 'warn' } }, {}, 'tool');
  return await run(await flowDeps(tool, config));
}

/** Asks Seam about doors, where its key is set and can be used. */
function doorReader(): DoorReader | null {
  const { seam } = inspectConfig(process.env);
  return seam === null ? null : createSeamApi(seam);
}
