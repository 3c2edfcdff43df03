// The deployment files say what the service and its image are.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { settings } from '../../src/config.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const known: readonly string[] = settings.map(({ name }) => name);
const [, port] = /^EXPOSE (\d+)$/m.exec(read('Dockerfile')) ?? [];
const healthPaths = [...read('src/http/health-routes.ts').matchAll(/route\('([^']+)'\)/g)].map(([, path]) => path);

it('compose.yaml names settings that there are, and the port of the image', () => {
  const { services } = parse(read('src/deploy/compose.yaml'));
  const { relatch, postgres } = services;
  expect(Object.keys(relatch.environment).filter((name) => !known.includes(name))).toEqual([]);
  expect(relatch.environment.PORT).toBe(port);
  expect(relatch.ports).toEqual([`127.0.0.1:${port}:${port}`]);
  expect(relatch).toMatchObject({ build: '../..', read_only: true, depends_on: { postgres: {} } });
  expect(postgres.healthcheck.test).toContain('pg_isready');
});

it('kubernetes.yaml names settings, routes and ports that there are, and gives a stop the time that it takes', () => {
  const documents = parseAllDocuments(read('src/deploy/kubernetes.yaml')).map((one) => one.toJS({}));
  expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'Service', 'PodDisruptionBudget', 'Deployment']);
  const [secret, service, budget, deployment] = documents;
  expect(Object.keys(secret.stringData).filter((name) => !known.includes(name))).toEqual([]);
  const { template, selector } = deployment.spec;
  for (const one of [service.spec.selector, budget.spec.selector.matchLabels, selector.matchLabels])
    expect(one).toEqual(template.metadata.labels);
  const [container] = template.spec.containers;
  const named = container.env.map(({ name }: { name: string }) => name);
  expect(named.filter((name: string) => !known.includes(name))).toEqual([]);
  expect(container.ports).toEqual([{ name: service.spec.ports[0].targetPort, containerPort: Number(port) }]);
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    expect(healthPaths).toContain(container[probe].httpGet.path);
  const stopSeconds = Number(/stopWithinMs = (\d+)_000/.exec(read('src/main.ts'))?.[1]);
  expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
    stopSeconds + container.lifecycle.preStop.sleep.seconds,
  );
});
