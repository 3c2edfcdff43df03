import { defineConfig } from 'prisma/config';

// The Prisma CLI serves development (generate, migrate dev) and the seed; the service applies its migrations by itself.
export default defineConfig({
  schema: 'schema.prisma',
  migrations: { path: 'migrations', seed: 'node prisma/seed.ts' },
  ...(process.env['DATABASE_URL'] ? { datasource: { url: process.env['DATABASE_URL'] } } : {}),
});
