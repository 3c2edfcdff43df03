import type { SeamApi } from './api.ts';
import type { SeamResult } from './errors.ts';

const refused: SeamResult<never> = {
  ok: false,
  failure: { kind: 'rejected', code: 'observing', message: 'Relatch only observes (MODE=observe)' },
};

/** Seam for reading only: whatever would write is refused before a byte leaves, whoever asks for it. */
export function observingSeam(seam: SeamApi): SeamApi {
  return {
    createCode: async () => refused,
    updateCode: async () => refused,
    deleteCode: async () => refused,
    pullBackupCode: async () => refused,
    getCode: (accessCodeId) => seam.getCode(accessCodeId),
    listCodes: (deviceId) => seam.listCodes(deviceId),
    listManagedCodes: (deviceId) => seam.listManagedCodes(deviceId),
    listEvents: (request) => seam.listEvents(request),
    getDevice: (deviceId) => seam.getDevice(deviceId),
    listDevices: () => seam.listDevices(),
  };
}
