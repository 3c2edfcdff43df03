// The recipe of Seam's own (withdrawn) article on recurring codes, as one writes it down first, mended where it could not run at
// all: the signature is checked, the device named, the next window known from a table. On a removal it calls, then writes, then
// answers. It is the control of `faults`.

import express from 'express';
import pg from 'pg';
import { Seam, SeamWebhook } from 'seam';

const { DATABASE_URL, SEAM_API_KEY, SEAM_ENDPOINT, SEAM_WEBHOOK_SECRETS = '', PORT } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
pool.on('error', () => undefined);
const seam = new Seam({ apiKey: SEAM_API_KEY ?? '', ...(SEAM_ENDPOINT !== undefined && { endpoint: SEAM_ENDPOINT }) });
const webhook = new SeamWebhook(SEAM_WEBHOOK_SECRETS);
const dayMs = 86_400_000;

interface Row {
  readonly device_id: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
}

const app = express();
app.post('/webhooks/seam', express.raw({ type: () => true, limit: '1mb' }), async (req, res) => {
  const event = webhook.verify(req.body.toString('utf8'), req.headers as Record<string, string>);
  if (event.event_type === 'access_code.removed_from_device') await renew(event.access_code_id);
  res.sendStatus(200);
});

async function renew(endedId: string): Promise<void> {
  const { rows } = await pool.query<Row>(
    'select device_id, starts_at, ends_at from recipe_codes where access_code_id = $1',
    [endedId],
  );
  const [ended] = rows;
  if (ended === undefined) return;
  const startsAt = new Date(ended.starts_at.getTime() + dayMs);
  const endsAt = new Date(ended.ends_at.getTime() + dayMs);
  const created = await seam.accessCodes.create({
    device_id: ended.device_id,
    name: 'Cleaning crew',
    starts_at: startsAt.toISOString(),
    ends_at: endsAt.toISOString(),
  });
  await pool.query('insert into recipe_codes (access_code_id, device_id, starts_at, ends_at) values ($1, $2, $3, $4)', [
    created.access_code_id,
    ended.device_id,
    startsAt,
    endsAt,
  ]);
}

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(JSON.stringify({ event: 'service.started', port }));
});
