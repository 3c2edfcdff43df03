-- What needs a person, one row per cause for as long as the cause lasts. Nothing that the previous release reads or writes changes.
CREATE TYPE "alert_state" AS ENUM ('open', 'acknowledged', 'resolved');

CREATE TABLE "alerts" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "cause" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "state" "alert_state" NOT NULL DEFAULT 'open',
  "message" TEXT NOT NULL,
  "schedule_id" UUID,
  "device_id" TEXT,
  "code_id" UUID,
  "raised_at" TIMESTAMPTZ(3) NOT NULL,
  "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
  "times" INTEGER NOT NULL DEFAULT 1,
  "settled_at" TIMESTAMPTZ(3),
  "settled_because" TEXT,
  CONSTRAINT "alerts_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "alerts_cause_unresolved_key" ON "alerts" ("cause") WHERE "state" <> 'resolved';
CREATE INDEX "alerts_state_raised_at_idx" ON "alerts" ("state", "raised_at");
CREATE INDEX "alerts_code_id_idx" ON "alerts" ("code_id");
