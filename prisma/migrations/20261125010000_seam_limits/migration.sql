-- What replicas must know together before they ask Seam: whether it answers and takes our key, and what each device has left
-- of its minute. Nothing that the previous release reads or writes changes.
CREATE TYPE "seam_line_state" AS ENUM ('clear', 'silent', 'refused');

CREATE TABLE "seam_line" (
  "id" SMALLINT NOT NULL DEFAULT 1,
  "state" "seam_line_state" NOT NULL DEFAULT 'clear',
  "failures" INTEGER NOT NULL DEFAULT 0,
  "failing_devices" TEXT[] NOT NULL DEFAULT '{}',
  "probes" INTEGER NOT NULL DEFAULT 0,
  "is_probing" BOOLEAN NOT NULL DEFAULT false,
  "probe_at" TIMESTAMPTZ(3),
  "refused_call" TEXT,
  CONSTRAINT "seam_line_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "seam_line_one_row" CHECK ("id" = 1),
  -- Calls that are held back are let through again: a line that is not clear has a moment at which it is tried.
  CONSTRAINT "seam_line_is_tried" CHECK ("state" = 'clear' OR "probe_at" IS NOT NULL)
);
INSERT INTO "seam_line" ("id") VALUES (1);

CREATE TABLE "seam_budgets" (
  "device_id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "calls_at" TIMESTAMPTZ(3)[] NOT NULL,
  "blocked_until" TIMESTAMPTZ(3),
  CONSTRAINT "seam_budgets_pkey" PRIMARY KEY ("device_id", "kind")
);
