// A process that plays one history after the other on one database, as it is told to.
import type { HistoryOptions } from './history.ts';
import { simulate } from './simulate.ts';
import { openStore } from './store.ts';

const [, , url = ''] = process.argv;
const store = await openStore(url);
process.on('message', async (options: HistoryOptions) => {
  // The whole trace is long: `npm run simulate -- --trace` shows it.
  process.send?.({ ...(await simulate(options, store)), trace: '' });
});
process.send?.('ready');
