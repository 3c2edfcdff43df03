// npm run relatch -- reconcile [--dry-run] [--remove-orphans]: a pass at once, beside the running service, which does what it sends jobs for.
import { UserError } from '../core/errors.ts';
import { type ReconcileReport, reconcile } from '../flows/reconcile.ts';
import { type AddCommand, type Cli, examples } from './command.ts';

/** Makes a pass, or with --dry-run tells in words per door what one would do, and prints what came of it. */
export const addReconcile: AddCommand = (program, cli) => {
  program
    .command('reconcile')
    .description('Compares plan, rows and Seam now, and has put right what differs.')
    .option('--dry-run', 'only tells, per door, what it would do')
    .option(
      '--remove-orphans',
      'has codes of ours that no row explains removed now if they were reported before, not after 24 hours',
    )
    .addHelpText('after', examples('relatch reconcile --dry-run', 'relatch reconcile --remove-orphans'))
    .action(({ dryRun = false, removeOrphans: removesOrphans = false }: PassWish) =>
      makePass(cli, { dryRun, removesOrphans }),
    );
};

interface PassWish {
  readonly dryRun?: boolean;
  readonly removeOrphans?: boolean;
}

async function makePass(
  { withSeam, print }: Cli,
  options: { dryRun: boolean; removesOrphans: boolean },
): Promise<void> {
  await withSeam(async (deps) => {
    if (options.removesOrphans && deps.mode === 'observe')
      throw new UserError('observing', 'MODE=observe writes nothing to Seam: --remove-orphans needs MODE=active.');
    const report = await reconcile(deps, options);
    if (report === null) return print('Another replica is reconciling: nothing was done.');
    const told = describeReport(report, options.dryRun);
    // A script must not take "0 differences" for all being well; a fleet that takes several passes is no failure.
    const isNothingCompared = report.devices.compared === 0 && stopReason(report) !== null;
    if (isNothingCompared) throw new UserError('nothing_compared', `${told} What is wrong is told by: relatch doctor`);
    print(told);
  });
}

/** The report as lines of text, doors in their order. */
export function describeReport(report: ReconcileReport, dryRun: boolean): string {
  const { events, devices, repairs, woken, replanned } = report;
  const lines = repairs.map(({ door, would }) => `${door}: ${dryRun ? 'would ' : ''}${would}`);
  const counts = [
    `${events.missing} of ${events.seen} events ${dryRun ? 'would be' : 'were'} stored that no delivery had brought`,
    `${devices.compared} devices compared, ${devices.failed} could not be`,
    ...(dryRun ? [] : [`${woken} doors woken, ${replanned} planned anew for other time-zone data`]),
    `${repairs.length} ${repairs.length === 1 ? 'difference' : 'differences'}`,
  ];
  const stopped = stopReason(report);
  return [...lines, `${counts.join('; ')}.`, ...(stopped === null ? [] : [`Cut short: ${stopped}.`])].join('\n');
}

function stopReason({ events, devices }: ReconcileReport): string | null {
  return events.stoppedBecause ?? devices.stoppedBecause;
}
