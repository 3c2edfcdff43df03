import { inspectConfig, readConfig } from '../config.ts';
import { openTool, type Tool } from '../deps.ts';
import type { DoorReader } from '../flows/ask-doors.ts';
import { createSeamApi } from '../seam/api.ts';

/** A tool, and who asks doors what they take; null without a key of Seam. */
export type CommandTool = Tool & { readonly seam: DoorReader | null };

/** Runs something on the database that the environment names, and closes it. @throws UserError for what the user can mend */
export async function withTool<T>(run: (tool: CommandTool) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, { for: 'tool' });
  // People and scripts read the output; the program's own news would stand between its lines.
  await using tool = await openTool({ ...config, log: { level: 'silent' } }, {}, 'tool');
  return await run({ ...tool, seam: doorReader() });
}

/** Asks Seam about doors, where its key is set and can be used. */
export function doorReader(): DoorReader | null {
  const { seam } = inspectConfig(process.env);
  return seam === null ? null : createSeamApi(seam);
}
