import { inspectConfig, readConfig, type ServiceConfig } from '../config.ts';
import { UserError } from '../core/errors.ts';
import { isDatabaseAway } from '../db/client.ts';
import { flowDeps, openTool } from '../deps.ts';
import type { DoorReader } from '../flows/ask-doors.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { createSeamAdmin } from '../seam/admin.ts';
import { createSeamApi } from '../seam/api.ts';
import type { CliTool } from './command.ts';

/**
 * Runs something on the database that the environment names, and closes it. People and scripts read the output: the
 * program's own news would stand between its lines. @throws UserError for what the user can mend
 */
export async function withTool<T>(run: (tool: CliTool) => Promise<T>, level: 'silent' | 'warn' = 'silent'): Promise<T> {
  const config = readConfig(process.env, { for: 'tool' });
  await using tool = await openTool({ ...config, log: { level } }, {}, 'tool');
  return await told(() => run({ ...tool, seam: doorReader() }));
}

/** The same for what asks Seam and changes codes there. Its warnings are printed: they say what Seam did not answer. */
export async function withSeam<T>(run: (deps: FlowDeps) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, { for: 'service' });
  await assertKeyTaken(config.seam);
  await using tool = await openTool({ ...config, log: { level: 'warn' } }, {}, 'tool');
  return await told(async () => run(await flowDeps(tool, config)));
}

/** A database that goes away meanwhile is nobody's bug: a sentence instead of a stack. */
async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!isDatabaseAway(cause)) throw cause;
    throw new UserError(
      'database_unavailable',
      'The database does not answer any more. Whether the command was done is not known: see relatch doctor, look at what it was to change, and repeat it.',
      { cause },
    );
  }
}

/** Before the gate, which all replicas share: the refusal of a key that only this command has would pause the service. */
async function assertKeyTaken(seam: ServiceConfig['seam']): Promise<void> {
  const asked = await createSeamAdmin(seam).getWorkspace();
  if (asked.ok || asked.failure.kind !== 'unauthorized') return;
  throw new UserError(
    'seam_key_refused',
    'Seam refuses SEAM_API_KEY, so nothing was done. Give the key that the service has, or take one from the Seam Console, Developer, API Keys.',
  );
}

/** Asks Seam about doors, where its key is set and can be used. */
function doorReader(): DoorReader | null {
  const { seam } = inspectConfig(process.env);
  return seam === null ? null : createSeamApi(seam);
}
