// Commands that messages name as the way out, so that all of them name the same.

/** Opens windows again that were served or closed at this door. */
export function reopenCommand(scheduleKey: string, deviceId: string): string {
  return `relatch schedules reopen ${scheduleKey} --device ${deviceId}`;
}

/** Opens the doors of a schedule again. */
export function resumeCommand(scheduleKey: string): string {
  return `relatch schedules resume ${scheduleKey}`;
}

/** Opens a schedule on a day beside its rules. */
export function extraCommand(scheduleKey: string, date: string): string {
  return `relatch schedules extra ${scheduleKey} --date ${date} --from HH:MM --to HH:MM`;
}

/** What can be done about a job that failed for good. */
export function settleLetterCommands(id: string): string {
  return `Retry it with relatch dead-letters retry ${id}, or give it up with relatch dead-letters drop ${id} --reason TEXT.`;
}

/** Where there is none of this key. */
export function noSchedule(key: string): string {
  return `There is no schedule ${key}: see relatch schedules list.`;
}

/** Where a schedule opens no door as it stands. */
export function opensNoDoor(key: string, status: string): string {
  const way = `${resumeCommand(key)}${status === 'ended' ? ' --revive' : ''}`;
  return `The schedule is ${status} and opens no door. Open its doors again first: ${way}`;
}

/** Gives a schedule whose PIN people choose another one. */
export function rotateGivenCommand(scheduleKey: string): string {
  return `relatch schedules rotate ${scheduleKey} --pin-stdin`;
}

/** Where a name is that of several devices. */
export function severalDevices(name: string, ids: readonly (string | undefined)[]): string {
  return `Several devices are called ${name}: give the id, one of ${ids.join(', ')}.`;
}
