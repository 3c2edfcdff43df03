// Commands that messages name as the way out, so that all of them name the same.

/** Opens windows again that were served or closed at this door. */
export function reopenCommand(scheduleKey: string, deviceId: string): string {
  return `relatch schedules reopen ${scheduleKey} --device ${deviceId}`;
}
