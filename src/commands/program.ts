// The command line as a whole: its words, and what each loads.
import { type AddCommand, type Cli, examples, newProgram, runWords } from './command.ts';

interface Word {
  readonly summary: string;
  readonly load: () => Promise<AddCommand>;
}

// Loaded when asked for: the calculator starts without what needs a database.
const words: Readonly<Record<string, Word>> = {
  schedules: {
    summary: 'list, show and apply schedules; pause, skip, extend, revoke, … them',
    load: async () => (await import('./schedules.ts')).addSchedules,
  },
  windows: {
    summary: 'when a schedule opens, and why; or the bare calculator (--stdin)',
    load: async () => (await import('./windows.ts')).addWindows,
  },
  codes: {
    summary: 'current and coming codes; take in one of Seam',
    load: async () => (await import('./codes.ts')).addCodes,
  },
  explain: {
    summary: 'why a code works at a door or does not',
    load: async () => (await import('./explain.ts')).addExplain,
  },
  events: {
    summary: "list Seam's events, and handle one again",
    load: async () => (await import('./events.ts')).addEvents,
  },
  alerts: {
    summary: 'what needs a person',
    load: async () => (await import('./alerts.ts')).addAlerts,
  },
  'dead-letters': {
    summary: 'jobs that failed for good: list, retry, drop',
    load: async () => (await import('./dead-letters.ts')).addDeadLetters,
  },
  reconcile: {
    summary: 'compare plan, rows and Seam now',
    load: async () => (await import('./reconcile.ts')).addReconcile,
  },
  holders: {
    summary: 'take a person out of the database',
    load: async () => (await import('./holders.ts')).addHolders,
  },
  feeds: {
    summary: 'addresses from which calendars read windows',
    load: async () => (await import('./feeds.ts')).addFeeds,
  },
  doctor: {
    summary: 'what is wrong with an installation, and mending it',
    load: async () => (await import('./doctor.ts')).addDoctor,
  },
  webhook: {
    summary: 'where Seam delivers its events',
    load: async () => (await import('./webhook.ts')).addWebhook,
  },
  endpoints: {
    summary: 'who is told of alerts and codes: outgoing webhooks',
    load: async () => (await import('./endpoints.ts')).addEndpoints,
  },
  pins: {
    summary: 'encrypt stored PINs anew',
    load: async () => (await import('./pins.ts')).addPins,
  },
};

const about = `Relatch keeps recurring access codes alive on smart locks.

In a checkout, relatch is called as: npm run --silent relatch -- COMMAND`;

/** Does what the words of the command line say. @throws UserError for what the person who gave them can mend */
export async function runRelatch(given: readonly string[], cli: Cli): Promise<void> {
  const program = newProgram('relatch', cli.print)
    .description(about)
    .usage('COMMAND …')
    .addHelpText(
      'after',
      `\nLists take --json: one JSON object a line, instants in UTC. People are shown times in the schedule's own zone.
${examples('relatch schedules list --status active', 'relatch schedules skip cleaning-crew --reason "ill"', 'relatch codes --schedule cleaning-crew', 'relatch schedules --help')}`,
    );
  const wanted = given.find((one) => Object.hasOwn(words, one));
  for (const [name, { summary, load }] of Object.entries(words)) {
    if (name === wanted) (await load())(program, cli);
    else program.command(name).description(summary);
  }
  for (const command of program.commands) command.summary(words[command.name()]?.summary ?? '');
  await runWords(program, given);
}
