import { nothingByHand, type Schedule } from '../../src/core/schedule.ts';

/** A stored schedule: on one door, Monday to Friday 9 to 17 in New York, which is five hours behind UTC until 14 March 2027. */
export const crew: Schedule = {
  id: '00000000-0000-4000-8000-000000000001',
  key: 'crew',
  name: 'Crew',
  holder: null,
  timezone: 'America/New_York',
  startsOn: '2027-03-01',
  endsOn: null,
  rules: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' }],
  exceptDates: [],
  holidays: [],
  extra: [],
  blackouts: [],
  byHand: nothingByHand,
  grace: { earlyMinutes: 0, lateMinutes: 0 },
  mergeGapsUpToMinutes: 0,
  devices: [{ deviceId: 'front', generation: 0 }],
  pinPolicy: 'keep',
  allowOtherPin: false,
  status: 'active',
  version: 1,
};
