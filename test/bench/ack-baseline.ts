// The baseline of `ack`: bare Express 5, svix, one INSERT through `pg`, and nothing else. Its row is as wide and as durable as ours.

import express from 'express';
import pg from 'pg';
import { Webhook } from 'svix';
import { serveBench } from './ack-child.ts';

await serveBench(({ databaseUrl, secret }) => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const webhook = new Webhook(secret);
  const app = express();
  app.post('/webhooks/seam', express.raw({ type: () => true }), async (req, res) => {
    const payload = req.body.toString('utf8');
    const messageId = String(req.headers['svix-id']);
    const headers = {
      'svix-id': messageId,
      'svix-timestamp': String(req.headers['svix-timestamp']),
      'svix-signature': String(req.headers['svix-signature']),
    };
    webhook.verify(payload, headers);
    const event = JSON.parse(payload);
    const { rowCount } = await pool.query({
      name: 'insert',
      text: `insert into baseline_inbox (key, svix_id, event_type, access_code_id, device_id, occurred_at, payload)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (key) do nothing`,
      values: [
        event.event_id,
        messageId,
        event.event_type,
        event.access_code_id,
        event.device_id,
        event.occurred_at,
        payload,
      ],
    });
    res.status(202).json({ outcome: rowCount === 1 ? 'accepted' : 'duplicate' });
  });
  return app.listen(0, '127.0.0.1');
});
