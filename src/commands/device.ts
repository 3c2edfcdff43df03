import { UserError } from '../core/errors.ts';
import { severalDevices } from '../core/ways-out.ts';
import { findDeviceIds } from '../db/devices.ts';
import type { CliTool } from './command.ts';

/** The device that a person means by its id or name. @throws UserError where that is none, or several */
export async function deviceNamed({ db }: Pick<CliTool, 'db'>, idOrName: string): Promise<string> {
  const [id, ...more] = await findDeviceIds(db.prisma, idOrName);
  if (id === undefined)
    throw new UserError('device_unknown', `No schedule or code is on a device ${idOrName}: give its id or its name.`);
  if (more.length > 0) throw new UserError('device_ambiguous', severalDevices(idOrName, [id, ...more]));
  return id;
}
