// "Why does this code not work at this door now?", answered as somebody reads it who knows neither the code nor Seam.
import { expect, it } from 'vitest';
import { explanationText } from '../../src/core/explain.ts';
import { actOn } from '../../src/flows/act-on-schedule.ts';
import { explainWord } from '../../src/flows/explain.ts';
import { backDoor, daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

// What Seam reports is written by jobs beside that of the door, in whatever order they come at one instant.
const reported =
  /^(Stored|Set on|Gone from|Deleted in|Setting|Not set|Removing it|Still on|Seam refuses|.* cannot be reached)/;

/** All of the answer: about now, or another instant; of a schedule at a door, or of everything at a device. */
async function told(world: World, word = 'crew', options: { at?: string; deviceId?: string } = {}): Promise<string> {
  const at = options.at === undefined ? undefined : new Date(options.at);
  const explained = await explainWord(world.relatch.deps, word, { deviceId: options.deviceId, at });
  const texts = explained.map((one) => {
    const rank = (text: string): string => (reported.test(text) ? `1 ${text}` : '0');
    const timeline = [...one.timeline].sort(
      (a, b) =>
        a.at.getTime() - b.at.getTime() || (rank(a.text) < rank(b.text) ? -1 : Number(rank(a.text) > rank(b.text))),
    );
    return explanationText({ ...one, timeline }, one.timezone);
  });
  // Waiting times are drawn, and what is less than half a minute away is said to come in a moment.
  return texts.join('\n\n').replaceAll(/again (on [^.;]*|in a moment)/g, 'again (then)');
}

// 9 to 17 in New York is 14:00 to 22:00 UTC on Monday, 8 March 2027.
it('tells of a code that works, of the evening and of tomorrow, and of one that somebody deleted in Seam', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "Yes: the code opens Front door; the lock holds it since Mon 8 Mar 07:00.
    This is about Crew (crew) at Front door on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Stored on the lock ahead of its time.
      Mon 8 Mar 09:00  Set on the lock.
    Next: The code ends on Mon 8 Mar 17:00 and is then taken off the lock. The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: If the door stays shut all the same, check the PIN that was typed and the battery of the lock."
  `);
  expect(await told(world, 'crew', { at: '2027-03-08T23:00:00Z' })).toMatchInlineSnapshot(`
    "No, because Crew has no window on Mon 8 Mar 18:00; the one before was Mon 8 Mar 09:00–17:00.
    This is about Crew (crew) at Front door on Mon 8 Mar 18:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Stored on the lock ahead of its time.
      Mon 8 Mar 09:00  Set on the lock.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Extend today's window or add an extra one, if Crew is to open the door then."
  `);
  expect(await told(world, 'crew', { at: '2027-03-09T15:00:00Z' })).toMatchInlineSnapshot(`
    "Yes: as things stand, a code will open Front door for Tue 9 Mar 09:00–17:00.
    This is about Crew (crew) at Front door on Tue 9 Mar 10:00, America/New_York time.
    Next: Its code is made once the window before it is over. The next window is Wed 10 Mar 09:00–17:00; its code is still to be made.
    What you can do: Nothing needs to be done."
  `);
  expect(await told(world, 'crew', { deviceId: backDoor })).toMatchInlineSnapshot(`
    "No, because device 2f0c1d1e-93b7-4c63-9f0e-5a1f6a3c7b02 is not a door of the schedule Crew.
    This is about Crew (crew) at device 2f0c1d1e-93b7-4c63-9f0e-5a1f6a3c7b02 on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
    Next: No code is made for this door.
    What you can do: Add the device to the schedule's devices, if its holder is to open that door."
  `);
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because the code was taken away on Mon 8 Mar 10:00: somebody deleted it in Seam, and Relatch does not bring back what people take away.
    This is about Crew (crew) at Front door on Mon 8 Mar 11:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Stored on the lock ahead of its time.
      Mon 8 Mar 09:00  Set on the lock.
      Mon 8 Mar 10:00  Taken away by somebody in Seam. The window stays closed on this door, the next one is not affected. Reopen it with relatch schedules reopen crew --device 6aae9d08-fed6-4ca5-8328-e36849ab48fe, if that was a mistake.
      Mon 8 Mar 10:00  Deleted in Seam.
      Mon 8 Mar 10:00  Gone from the lock.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is on the lock already.
    What you can do: Reopen the window with relatch schedules reopen crew --device 6aae9d08-fed6-4ca5-8328-e36849ab48fe, if the door is to open still. The next window is not affected."
  `);
  expect(await told(world, 'crew', { at: '2027-03-08T14:30:00Z' })).toMatchInlineSnapshot(`
    "Yes: the code opened Front door then, and the lock held it since Mon 8 Mar 07:00.
    This is about Crew (crew) at Front door on Mon 8 Mar 09:30, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Stored on the lock ahead of its time.
      Mon 8 Mar 09:00  Set on the lock.
      Mon 8 Mar 10:00  Taken away by somebody in Seam. The window stays closed on this door, the next one is not affected. Reopen it with relatch schedules reopen crew --device 6aae9d08-fed6-4ca5-8328-e36849ab48fe, if that was a mistake.
      Mon 8 Mar 10:00  Deleted in Seam.
      Mon 8 Mar 10:00  Gone from the lock.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is on the lock already.
    What you can do: Nothing needs to be done."
  `);
  await expect(told(world, 'nobody')).rejects.toMatchObject({ code: 'nothing_known' });
  expect(await told(world, 'front DOOR')).toBe(await told(world, frontDoor));
});

it('tells what closes a window: a skip, a holiday, a day of no rule, a pause', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(
    JSON.stringify({
      holidays: { house: ['2027-03-10'] },
      schedules: JSON.parse(weekdays({ except: { holidays: ['house'] } })).schedules,
    }),
  );
  await actOn(world.relatch.deps, 'crew', { kind: 'skip', date: '2027-03-08', reason: 'ill' }, { by: 'alice' });
  await world.rest();
  await world.until('2027-03-08T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because no window is open then: somebody skipped it ("ill").
    This is about Crew (crew) at Front door on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Schedule crew was skipped 2027-03-08 09:00–17:00 (America/New_York), by alice.
      Mon 8 Mar 07:00  Removing the code, because it is no longer planned.
      Mon 8 Mar 07:00  The code is gone from Seam and the lock.
      Mon 8 Mar 07:00  Deleted in Seam.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is on the lock already.
    What you can do: Take the skip back (unskip), if the door is to open after all."
  `);
  expect(await told(world, 'crew', { at: '2027-03-10T15:00:00Z' })).toMatchInlineSnapshot(`
    "No, because no window is open then: Wed 10 Mar is in the holiday list "house".
    This is about Crew (crew) at Front door on Wed 10 Mar 10:00, America/New_York time.
    Next: The next window is Thu 11 Mar 09:00–17:00; its code is still to be made.
    What you can do: Add an extra window for that day, if the door is to open all the same."
  `);
  expect(await told(world, 'crew', { at: '2027-03-13T15:00:00Z' })).toMatchInlineSnapshot(`
    "No, because Crew has no window on Sat 13 Mar 10:00.
    This is about Crew (crew) at Front door on Sat 13 Mar 10:00, America/New_York time.
    Next: The next window is Mon 15 Mar 09:00–17:00; its code is still to be made.
    What you can do: Extend today's window or add an extra one, if Crew is to open the door then."
  `);
  expect(await told(world, 'crew', { at: '2027-02-22T15:00:00Z' })).toMatchInlineSnapshot(`
    "No, because Crew begins on 2027-03-01.
    This is about Crew (crew) at Front door on Mon 22 Feb 10:00, America/New_York time.
    Next: The next window is Mon 1 Mar 09:00–17:00; its code is still to be made.
    What you can do: Wait until it begins, or change starts_on of the schedule."
  `);
  await world.until('2027-03-09T15:00:00Z');
  await actOn(world.relatch.deps, 'crew', { kind: 'pause' }, { by: 'alice' });
  await world.rest();
  await world.until('2027-03-09T15:30:00Z');
  expect(await told(world, frontDoor)).toMatchInlineSnapshot(`
    "No, because the schedule Crew is paused since Tue 9 Mar 10:00 (by alice).
    This is about Crew (crew) at Front door on Tue 9 Mar 10:30, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Planned for Tue 9 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Tue 9 Mar 09:00–17:00.
      Mon 8 Mar 07:00  Stored on the lock ahead of its time.
      Tue 9 Mar 09:00  Set on the lock.
      Tue 9 Mar 10:00  Schedule crew was paused, by alice.
      Tue 9 Mar 10:00  Removing the code, because it is no longer planned.
      Tue 9 Mar 10:00  The code is gone from Seam and the lock.
      Tue 9 Mar 10:00  Deleted in Seam.
      Tue 9 Mar 10:00  Gone from the lock.
    Next: No code is made for this door.
    What you can do: Resume the schedule with relatch schedules resume crew, if its doors are to open again; then its code is made at once."
  `);
});

it('tells of a lock that is offline, so that its code was never set', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.device(frontDoor).goOffline();
  await world.rest();
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Seam has the code, but could not set it on the lock so far (it said so on Mon 8 Mar 07:10).
    This is about Crew (crew) at Front door on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–17:00.
      Mon 8 Mar 07:02  Setting it on the lock is late. Check that the lock is online and has battery.
      Mon 8 Mar 07:10  Not set on the lock yet, Seam keeps trying. Check that the lock is online and has battery.
      Mon 8 Mar 08:45  Not ready 15 minutes before it begins: Seam reports failed_to_set_on_device, device_offline. Check that the lock is online and has battery and room for codes.
    Next: Seam keeps trying to set it on the lock. The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Check the power, the hub and the network of the lock."
  `);
});

it('tells of a code that Seam refuses', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const refusal = { kind: 'status', status: 400, type: 'invalid_input' } as const;
  world.simulator.faults.next('/access_codes/create', refusal, { times: 100 });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Seam or the lock refuses the code: invalid_input (HTTP 400): Simulated fault.
    This is about Crew (crew) at Front door on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Refused: invalid_input (HTTP 400): Simulated fault. Change the schedule to try again.
      Mon 8 Mar 08:45  Refused: invalid_input (HTTP 400): Simulated fault. Change the schedule to try again.
      Mon 8 Mar 08:45  Not ready 15 minutes before it begins: invalid_input (HTTP 400): Simulated fault. Change the schedule, or remove what is in the way.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Remove what is in the way, or change the schedule (another PIN, another name); it is then asked for again."
  `);
});

it('tells of a Seam that refuses the key', async () => {
  await using world = await startWorld({ now: '2027-03-08T14:30:00Z' });
  world.simulator.faults.next('*', { kind: 'status', status: 401, type: 'unauthorized' }, { times: 1_000 });
  await world.apply(weekdays());
  await world.until('2027-03-08T14:33:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Seam refuses the API key of Relatch since Mon 8 Mar 09:30, so that no code can be made.
    This is about Crew (crew) at device 6aae9d08-fed6-4ca5-8328-e36849ab48fe on Mon 8 Mar 09:33, America/New_York time.
    What happened:
      Mon 8 Mar 09:30  Schedule crew was created.
      Mon 8 Mar 09:30  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 09:30  Seam refuses our API key. Check SEAM_API_KEY, and restart; until then one call a minute finds out whether it is taken, and nothing is given up.
    Next: One call a minute finds out whether the key is taken; then the codes are made at once. The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Put a valid key into SEAM_API_KEY and restart Relatch."
  `);
});

it('tells of a code that hangs on the lock and so keeps the next one with its PIN away', async () => {
  await using world = await startWorld({ now: '2027-03-08T13:30:00Z' });
  await world.apply(weekdays({ windows: [...daily('09:00', '11:00'), ...daily('12:00', '14:00')] }));
  await world.until('2027-03-08T15:45:00Z');
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T16:20:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Crew has no window on Mon 8 Mar 11:20; the one before was Mon 8 Mar 09:00–11:00. Yet the code of Mon 8 Mar 09:00–11:00 is still being removed, and may open the door until it is gone.
    This is about Crew (crew) at Front door on Mon 8 Mar 11:20, America/New_York time.
    What happened:
      Mon 8 Mar 08:30  Schedule crew was created.
      Mon 8 Mar 08:30  Planned for Mon 8 Mar 09:00–11:00.
      Mon 8 Mar 08:30  Seam was asked for the code and made it, valid Mon 8 Mar 09:00–11:00.
      Mon 8 Mar 08:30  Stored on the lock ahead of its time.
      Mon 8 Mar 09:00  Set on the lock.
      Mon 8 Mar 10:45  Front door cannot be reached by Seam: it is offline. Codes of 1 schedule can be neither set nor removed until it is back. Check its power, its hub and its network.
      Mon 8 Mar 11:02  Removing the code, because it should be gone and is not.
      Mon 8 Mar 11:02  Removing it from the lock is late. Until it is gone its PIN opens the door: check that the lock is online.
      Mon 8 Mar 11:08  Still on the lock, although Seam was asked 5 times to remove it. Check that the lock is online; until then its PIN opens the door.
      Mon 8 Mar 11:10  Still on the lock, Seam keeps trying to remove it. Until it is gone its PIN opens the door: check that the lock is online.
      Mon 8 Mar 11:15  Still on the lock 15 minutes after its end, as far as Seam says. Until it is gone its PIN opens the door: check that the lock is online.
    Next: The next window is Mon 8 Mar 12:00–14:00; its code is still to be made.
    What you can do: Extend today's window or add an extra one, if Crew is to open the door then."
  `);
  await world.until('2027-03-08T17:05:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because the code of the window before (Mon 8 Mar 09:00–11:00), which has the same PIN, is still on the lock; Front door is offline for Seam since Mon 8 Mar 10:45.
    This is about Crew (crew) at Front door on Mon 8 Mar 12:05, America/New_York time.
    What happened:
      Mon 8 Mar 08:30  Schedule crew was created.
      Mon 8 Mar 10:45  Planned for Mon 8 Mar 12:00–14:00 (rule 2).
      Mon 8 Mar 10:45  Front door cannot be reached by Seam: it is offline. Codes of 1 schedule can be neither set nor removed until it is back. Check its power, its hub and its network.
      Mon 8 Mar 11:45  Not ready 15 minutes before it begins: the code before it, which has the same PIN, is still on the lock. Check that the lock is online, or allow another PIN (allow_other_pin).
    Next: The code is asked for as soon as that one is gone; its removal is asked for again (then). The next window is Tue 9 Mar 09:00–11:00; its code is still to be made.
    What you can do: Check the power, the hub and the network of the lock. With allow_other_pin: true the window may get another PIN."
  `);
});

it('tells of a device that Seam does not have', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ devices: ['11111111-0000-4000-8000-000000000001'] }));
  await world.until('2027-03-08T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Seam has no device 11111111-0000-4000-8000-000000000001.
    This is about Crew (crew) at device 11111111-0000-4000-8000-000000000001 on Mon 8 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 07:00  Schedule crew was created.
      Mon 8 Mar 07:00  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 07:00  Later: Seam does not know the device. Reconnect it, or take it out of the schedule.
      Mon 8 Mar 08:45  Not ready 15 minutes before it begins: device_not_found (HTTP 404): Could not find device with id "11111111-0000-4000-8000-000000000001". Relatch keeps trying; if Seam is up, see what it says of the device.
    Next: Seam is asked again (then). The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Connect the device to Seam again, or take it out of the schedule."
  `);
});

it('tells of a window that came too late, and of one that was only observed', async () => {
  await using world = await startWorld({ now: '2027-03-08T21:57:00Z', mode: 'observe' });
  await world.apply(weekdays());
  await world.until('2027-03-08T21:58:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because less than five minutes were left of Mon 8 Mar 09:00–17:00 when a code could be made, which is too short to reach the lock.
    This is about Crew (crew) at Front door on Mon 8 Mar 16:58, America/New_York time.
    What happened:
      Mon 8 Mar 16:57  Schedule crew was created.
      Mon 8 Mar 16:57  Planned for Mon 8 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 16:57  No code for this window: it began less than five minutes before its end.
    Next: The next window is Tue 9 Mar 09:00–17:00; its code is still to be made.
    What you can do: Extend the window, if the door is to open still."
  `);
  await world.until('2027-03-09T15:00:00Z');
  expect(await told(world)).toMatchInlineSnapshot(`
    "No, because Relatch only observes (MODE=observe): it would make a code now and asks nothing of Seam.
    This is about Crew (crew) at Front door on Tue 9 Mar 10:00, America/New_York time.
    What happened:
      Mon 8 Mar 16:57  Schedule crew was created.
      Mon 8 Mar 16:57  Planned for Tue 9 Mar 09:00–17:00 (rule 1).
      Mon 8 Mar 16:57  Only observed: Seam would have been asked to create the code.
    Next: The next window is Wed 10 Mar 09:00–17:00; its code is still to be made.
    What you can do: Set MODE=active and restart, if Relatch is to make the codes."
  `);
});
