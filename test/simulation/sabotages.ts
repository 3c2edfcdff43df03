// What is broken on purpose, to see that the judge finds it: the way to Seam, or what the database keeps.
import type { SeamApi } from '../../src/seam/api.ts';

export interface Sabotage {
  readonly what: string;
  readonly api?: (api: SeamApi) => SeamApi;
  /** A trigger on this table, and what it does with a row that is written. */
  readonly onRow?: { readonly table: string; readonly does: string };
  /** The invariant that it must be found to violate. */
  readonly invariant: string;
  /** A history in which it shows early. */
  readonly seed: number;
}

const hourMs = 3_600_000;

/** Some seeds have replicas whose clocks differ: a row that is due for one only is then planned four times a second, which takes long. */
export const sabotages: readonly Sabotage[] = [
  {
    what: 'creates are answered and not done',
    api: (api) => ({
      ...api,
      createCode: async () => ({ ok: false, failure: { kind: 'unknown', message: 'no answer' } }),
    }),
    invariant: 'every window has its code',
    seed: 4,
  },
  {
    what: 'deletes are answered and not done',
    api: (api) => ({ ...api, deleteCode: async () => ({ ok: true, value: null }) }),
    invariant: 'no code outside the plan',
    seed: 4,
  },
  {
    what: 'codes open an hour longer than asked',
    api: (api) => ({
      ...api,
      createCode: (request) => api.createCode({ ...request, endsAt: new Date(request.endsAt.getTime() + hourMs) }),
    }),
    invariant: 'removal is asked within one job',
    seed: 5,
  },
  {
    what: 'codes of other software are deleted',
    api: (api) => ({
      ...api,
      listManagedCodes: async (deviceId) => {
        const listed = await api.listManagedCodes(deviceId);
        const others = (listed.ok ? listed.value : []).filter(({ name }) => name === 'Guest 7');
        for (const { accessCodeId } of others) await api.deleteCode({ deviceId, accessCodeId });
        return listed;
      },
    }),
    invariant: 'nothing of others is touched',
    seed: 5,
  },
  {
    what: 'a code is made twice',
    api: (api) => ({
      ...api,
      createCode: async (request) => {
        const made = await api.createCode(request);
        if (made.ok) await api.createCode({ ...request, pin: null });
        return made;
      },
    }),
    invariant: 'never two codes for one window',
    seed: 4,
  },
  {
    what: 'an adopted code gets a PIN of ours',
    api: (api) => ({
      ...api,
      updateCode: (request) => api.updateCode({ ...request, pin: '135790' }),
    }),
    invariant: 'an adopted code keeps its name and PIN',
    seed: 7,
  },
  {
    what: 'a pause is not kept',
    onRow: { table: 'schedules', does: `if new.status = 'paused' then new.status := 'active'; end if;` },
    invariant: 'removal is asked within one job',
    seed: 1,
  },
  {
    what: 'a PIN that was taken back goes on',
    onRow: { table: 'access_codes', does: 'new.pin_revoked := false;' },
    invariant: 'every window has its code',
    seed: 1,
  },
  {
    what: 'events are acknowledged and not kept',
    onRow: { table: 'inbox', does: `if tg_op = 'INSERT' and new.event_type like 'device.%' then return null; end if;` },
    invariant: 'nothing is dropped in silence',
    seed: 5,
  },
  {
    what: 'events are ignored without a reason',
    onRow: { table: 'inbox', does: `if new.state = 'ignored' then new.reason := null; end if;` },
    invariant: 'nothing is dropped in silence',
    seed: 5,
  },
  {
    what: 'the history does not tell of removals',
    onRow: { table: 'history', does: `if new.kind = 'code.removed' then return null; end if;` },
    invariant: 'the history explains every code',
    seed: 5,
  },
];

/** The statements that break the database so, and those that mend it. */
export function statementsOf({ table, does }: NonNullable<Sabotage['onRow']>): { breaks: string; mends: string } {
  return {
    breaks: `create function simulation.sabotage() returns trigger language plpgsql as $$ begin ${does} return new; end $$;
             create trigger sabotage before insert or update on ${table} for each row execute function simulation.sabotage()`,
    mends: 'drop function simulation.sabotage cascade',
  };
}
