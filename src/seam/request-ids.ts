import { AsyncLocalStorage } from 'node:async_hooks';
import type { Seam } from 'seam';
import { z } from 'zod';
import type { SeamResult } from './errors.ts';

/** What a call answered. */
export interface SeamAnswer<T> {
  readonly result: SeamResult<T>;
  /** Seam's ids of the requests that it took, by which its support finds them. */
  readonly requestIds: readonly string[];
}

// An answer, or the SDK's error.
const Answered = z.object({
  headers: z.looseObject({ 'seam-request-id': z.string().optional() }).optional(),
  requestId: z.string().optional(),
});

/** Collects the ids of the requests that a call takes, from answers of either kind. */
export function requestIdsOf(seam: Seam): {
  of<T>(call: () => Promise<SeamResult<T>>): Promise<SeamAnswer<T>>;
} {
  const calls = new AsyncLocalStorage<string[]>();
  const note = (answer: unknown): void => {
    const { headers, requestId = headers?.['seam-request-id'] } = Answered.safeParse(answer).data ?? {};
    if (requestId !== undefined) calls.getStore()?.push(requestId);
  };
  seam.client.interceptors.response.use(
    (response) => {
      note(response);
      return response;
    },
    (error: unknown) => {
      note(error);
      return Promise.reject(error);
    },
  );
  return {
    async of(call) {
      const requestIds: string[] = [];
      const result = await calls.run(requestIds, call);
      return { result, requestIds };
    },
  };
}
