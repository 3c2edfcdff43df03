// What is read by machines elsewhere, and by people at night, names what is there.
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics, type Readings } from '../../src/telemetry/metrics.ts';

const fileOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const isReadmeThere = existsSync(new URL('../../README.md', import.meta.url));

const readings: Readings = {
  standing: {
    queues: [{ queue: 'plan', waiting: 1, active: 1, oldestSeconds: null }],
    inbox: { waiting: 0, oldestSeconds: 1 },
    deadLetters: 0,
    alerts: [{ kind: 'code.not_ready', state: 'open', count: 2 }],
    schedules: [{ status: 'active', count: 1 }],
    seamLine: 'silent',
    budgets: [{ call: 'create', left: 10 }],
  },
  windows: {
    openUnready: 1,
    unready15m: 2,
    unready2h: 3,
    unready24h: 4,
    nextUnreadySeconds: 5,
    begun: (['1h', '24h'] as const).map((span) => ({ span, ready: 1, unready: 0 })),
  },
  pools: [{ pool: 'model', waiting: 1, total: 3, idle: 2 }],
  parts: [{ name: 'inbox pump', running: true }],
};

const { meter, page } = createMetrics({ version: '1.2.3' });
let text = '';
let exported = new Set<string>();

beforeAll(async () => {
  meter.delivered('accepted', 0.001);
  meter.jobDone('plan', 'planned', 0.1);
  meter.seamCalled('/access_codes/create', 'ok', 0.2);
  meter.reconciled({ kind: 'finished', drifts: { gone: 1 } }, 1);
  text = await page(readings);
  exported = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
});

const Rule = z.object({
  alert: z.string(),
  expr: z.string(),
  for: z.string().regex(/^\d+[mh]$/),
  labels: z.object({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
});
const Rules = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(Rule) })) });
const rules = Rules.parse(parse(fileOf('src/deploy/prometheus-alerts.yaml'))).groups.flatMap((group) => group.rules);

const Target = z.object({ expr: z.string() });
const Panel = z.object({
  id: z.number(),
  title: z.string(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  datasource: z.object({ uid: z.literal(`\${datasource}`) }).optional(),
  targets: z.array(Target).optional(),
});
const Dashboard = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(Panel),
});
const { panels, templating } = Dashboard.parse(JSON.parse(fileOf('src/deploy/grafana-dashboard.json')));
const shown = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ name: title, expr })));
const questions = [...shown, ...rules.map(({ alert: name, expr }) => ({ name, expr }))];

describe('dashboard and alert rules', () => {
  it.each(questions)('ask in "$name" for metrics and labels that are exported: $expr', ({ expr }) => {
    const selectors = [...expr.matchAll(/\b((?:relatch|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
    for (const [, name = '', labels = ''] of selectors) {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      expect(exported, name).toContain(exported.has(name) ? name : base);
      // Which process it is, Prometheus knows.
      const asked = labels.split(',').filter((label) => label !== '' && !label.startsWith('job'));
      const samples = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      expect(
        samples.some((line) => asked.every((label) => line.includes(label))),
        `${name}{${labels}}`,
      ).toBe(true);
    }
    const isAboutUs = selectors.length > 0 || expr.startsWith('up{');
    expect(isAboutUs).toBe(true);
    expect(expr.split('(').length, 'parentheses').toBe(expr.split(')').length);
  });

  it('group by labels that are exported', () => {
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
    const groups = questions.flatMap(({ expr }) => [...expr.matchAll(/by \(([^)]*)\)/g)].map(([, list = '']) => list));
    for (const label of groups.flatMap((list) => list.split(', ')).filter((one) => one !== 'instance')) {
      expect(labels).toContain(label);
    }
  });

  it('lie on the dashboard beside each other, behind a data source to be chosen', () => {
    expect(templating.list).toContainEqual({ name: 'datasource', type: 'datasource' });
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe.runIf(isReadmeThere)('the README', () => {
  const readme = isReadmeThere ? fileOf('README.md') : '';

  it('tells of every metric of ours, and of no other', () => {
    const section = readme.slice(readme.indexOf('\n## Metrics\n'), readme.indexOf('\n## Runbook per alert\n'));
    const rows = section.split('\n').filter((line) => line.startsWith('| `relatch_'));
    const told = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(told.toSorted()).toEqual([...exported].filter((name) => name.startsWith('relatch_')).toSorted());
  });

  it.each(rules)('says what to do about $alert, where its runbook_url points', ({ alert, annotations }) => {
    const [, anchor = ''] = annotations.runbook_url.split('#');
    expect(readme).toContain(`| <a id="${anchor}"></a>\`${alert}\` |`);
  });

  it('has no runbook for an alert that is none', () => {
    const told = [...readme.matchAll(/^\| <a id="\w+"><\/a>`(\w+)`/gm)].map(([, alert]) => alert);
    expect(told.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });
});
