// What the API shows of codes, history and devices, and how it explains and adopts.
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { call } from '../support/api.ts';
import { frontDoor, startWorld, weekdays } from '../support/relatch.ts';

it('shows codes, PINs only where asked, history, devices and explanations, and adopts', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  // No code of a later window that could be moved into this one when it is opened again.
  await world.apply(weekdays({ ends_on: '2027-03-08' }));
  await world.until('2027-03-08T15:00:00Z');
  const { code: pin } = world.onlyCode();
  for (const path of ['/codes', '/schedules/crew/codes', `/codes?device_id=${frontDoor}&schedule_key=crew`]) {
    const listed = await call(world, `GET /v1${path}`);
    expect(listed).toMatchObject({
      status: 200,
      body: { items: [{ schedule_key: 'crew', state: 'created', ready_since: expect.any(String) }], next_cursor: null },
    });
    expect(listed.text).not.toContain(pin);
  }
  expect(await call(world, 'GET /v1/schedules/crew/codes?reveal=true')).toMatchObject({ body: { items: [{ pin }] } });
  const newest = await call(world, 'GET /v1/schedules/crew/history?limit=1');
  expect(newest.body.items).toMatchObject([{ kind: 'pin.revealed', by: 'alice', schedule_key: 'crew' }]);
  const older = await call(world, `GET /v1/history?limit=1&cursor=${newest.body.next_cursor}`);
  expect(Number(older.body.items[0].id)).toBeLessThan(Number(newest.body.items[0].id));
  for (const path of ['/codes', '/history', '/explain'])
    expect(await call(world, `GET /v1/schedules/nobody${path}`)).toMatchObject({ status: 404 });

  const devices = await call(world, 'GET /v1/devices');
  expect(devices).toMatchObject({ status: 200, body: { not_asked_because: null } });
  expect(devices.body.items[1]).toMatchObject({
    name: 'Front door',
    is_online: true,
    schedule_keys: ['crew'],
    codes: 1,
  });
  expect(await call(world, `GET /v1/devices/${frontDoor}`)).toMatchObject({ body: { device_id: frontDoor, codes: 1 } });
  expect(await call(world, 'GET /v1/devices/nothing')).toMatchObject({ status: 404, body: { code: 'device_unknown' } });

  for (const path of ['/schedules/crew/explain', `/devices/${frontDoor}/explain?at=2027-03-08T15:00:00Z`]) {
    const { body } = await call(world, `GET /v1${path}`);
    expect(body.items).toMatchObject([
      { schedule_key: 'crew', works: true, cause: 'works', text: expect.stringMatching(/^Yes: /) },
    ]);
  }
  expect(await call(world, 'GET /v1/devices/nothing/explain')).toMatchObject({ status: 404 });

  const body = { device_id: frontDoor, access_code_id: world.onlyCode().access_code_id };
  const headers = { 'idempotency-key': randomUUID() };
  const refused = await call(world, 'POST /v1/schedules/crew/adopt', { body, headers });
  expect(refused).toMatchObject({ status: 409, body: { code: 'code_known' } });
  world.simulator.deleteByHand(body.access_code_id);
  await world.until('2027-03-08T15:05:00Z');
  const access_code_id = world.simulator.addForeignCode({
    device_id: frontDoor,
    name: 'Plumber',
    code: '86420',
    starts_at: new Date('2027-03-08T16:00:00Z'),
    ends_at: new Date('2027-03-08T17:00:00Z'),
    managed: true,
  });
  const again = { body: { ...body, access_code_id }, headers };
  expect(await call(world, 'POST /v1/schedules/crew/adopt', again)).toMatchObject({ body: { code: 'window_closed' } });

  // Nothing is made by itself, so that the window waits for a code.
  await world.stop();
  await world.start({ mode: 'observe' });
  await call(world, 'POST /v1/schedules/crew/reopen');
  const wish = { body: again.body, headers: { 'idempotency-key': randomUUID() } };
  world.simulator.faults.next('GET /access_codes/list', { kind: 'status', status: 503 }, { times: 9 });
  expect(await call(world, 'POST /v1/schedules/crew/adopt', wish)).toMatchObject({
    status: 503,
    body: { code: 'seam_unavailable' },
  });
  world.simulator.faults.clear();
  const adopted = await call(world, 'POST /v1/schedules/crew/adopt', wish);
  expect(adopted).toMatchObject({
    status: 200,
    body: { window_starts_at: '2027-03-08T14:00:00.000Z', window_ends_at: '2027-03-08T22:00:00.000Z' },
  });
  expect(adopted.body.message).toMatch(/^Adopted by alice, as it was at Seam: the code of Crew at Front door/);
  expect((await call(world, 'POST /v1/schedules/crew/adopt', wish)).body).toEqual(adopted.body);
  const row = (await world.codes()).find(({ accessCodeId }) => accessCodeId === access_code_id);
  expect(row).toMatchObject({ state: 'created', adopted: true, startsAt: '2027-03-08T14:00:00.000Z' });
});
