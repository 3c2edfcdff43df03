import { readConfig } from '../config.ts';
import { openTool, type Tool } from '../deps.ts';

/** Runs something on the database that the environment names, and closes it. @throws UserError for what the user can mend */
export async function withTool<T>(run: (tool: Tool) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, { for: 'tool' });
  // People and scripts read the output; the program's own news would stand between its lines.
  await using tool = await openTool({ ...config, log: { level: 'silent' } }, {}, 'tool');
  return await run(tool);
}
