// `npm run migrate`: brings the database up to date and ends, for deployments that migrate in a step of their own.
import { readConfig } from './config.ts';
import { migrateDatabase, openDatabase } from './deps.ts';
import { runProgram } from './run-program.ts';
import { createLog } from './telemetry/log.ts';

await runProgram(async () => {
  const config = readConfig(process.env, { for: 'tool' });
  const log = createLog(config.log);
  const database = await openDatabase(config, log);
  try {
    await migrateDatabase(database.url, log);
  } finally {
    await database.close();
  }
  console.log('The database is up to date.');
});
