// The judge of the fault scenarios, judged: each thing that must not be is found when it is.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, it } from 'vitest';
import { look, settled } from './settled.ts';
import { type Instance, type Stage, startStage } from './stage.ts';

it('finds each thing that must not be after a fault', async () => {
  await using stage = await startStage();
  const service = await stage.startServing();
  const { db, simulator } = stage;
  const [code] = simulator.codes();
  await found(stage, settled);

  service.acknowledged.set('never stored', null);
  await found(stage, { ...settled, lost: ['never stored'] });
  service.acknowledged.clear();

  const changes: [string, string, Partial<typeof settled>][] = [
    [
      `insert into inbox (key, due_at) values ('waits', now() + interval '1 hour')`,
      `delete from inbox where key = 'waits'`,
      { unfinished: 1 },
    ],
    [
      `insert into alerts (cause, kind, message, raised_at, last_seen_at) values ('x', 'job.set_aside', 'x', now(), now())`,
      `delete from alerts where cause = 'x'`,
      { lettersUnlikeAlerts: 1 },
    ],
    [
      `update access_codes set state = 'unknown', next_try_at = now() + interval '1 hour'`,
      `update access_codes set state = 'created'`,
      { unfinished: 1, doubled: [code!.access_code_id] },
    ],
    [
      `update access_codes set access_code_id = '${randomUUID()}'`,
      `update access_codes set access_code_id = '${code!.access_code_id}'`,
      { lost: [expect.any(String)] as string[], doubled: expect.arrayContaining([code!.access_code_id]) as string[] },
    ],
    [
      `update pgboss.job set state = 'active', heartbeat_on = now() - interval '31 s', heartbeat_seconds = 3600, started_on = now()
        where id = (select id from pgboss.job where name = 'plan' limit 1)`,
      `update pgboss.job set state = 'completed' where state = 'active'`,
      { silentJobs: 1 },
    ],
  ];
  for (const [harm, cure, wrong] of changes) {
    await db.query(harm);
    await found(stage, { ...settled, ...wrong });
    await db.query(cure);
    await found(stage, settled);
  }

  const stray = new pg.Client({ connectionString: stage.env.DATABASE_URL, application_name: 'relatch' });
  await stray.connect();
  await stray.query('begin');
  await found(stage, { ...settled, strayConnections: 1 });
  service.kill('SIGKILL');
  await service.exited;
  await expect.poll(() => connectionsBeyondNone(stage, service)).toBe(2);
  await stray.end();

  // A copy made by who knows whom: its name has the marker, and no row knows its id.
  const { device_id, name = null } = code!;
  const copy = simulator.addForeignCode({ device_id, name, code: '87654321', managed: true });
  await found(stage, { ...settled, doubled: expect.arrayContaining([copy]) as string[] });
});

/** Waits: a service at work is within a transaction now and then. */
async function found(stage: Stage, expected: typeof settled): Promise<void> {
  await expect.poll(() => findings(stage)).toEqual(expected);
}

async function findings(stage: Stage): Promise<Omit<Awaited<ReturnType<typeof look>>, 'events'>> {
  const { events: _, ...found } = await look(stage);
  return found;
}

/** With no instance left, one session is one too many, and its open transaction another wrong. */
async function connectionsBeyondNone(stage: Stage, ended: Instance): Promise<number> {
  expect(stage.running.has(ended)).toBe(false);
  return (await findings(stage)).strayConnections;
}
