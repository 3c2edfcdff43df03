-- Jobs that failed for good, and when old rows were last cleared away. Nothing that the previous release reads or writes changes:
-- it never gets to see a row in the new state, because it only looks for those that are received.
ALTER TYPE "inbox_state" ADD VALUE 'dead';

CREATE TYPE "dead_letter_state" AS ENUM ('open', 'retried', 'recovered', 'dropped');

CREATE TABLE "dead_letters" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "state" "dead_letter_state" NOT NULL DEFAULT 'open',
  "event_key" TEXT,
  "schedule_id" UUID,
  "device_id" TEXT,
  "error_name" TEXT NOT NULL,
  "error_message" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL,
  "times" INTEGER NOT NULL DEFAULT 1,
  "died_at" TIMESTAMPTZ(3) NOT NULL,
  "settled_at" TIMESTAMPTZ(3),
  "settled_because" TEXT,
  CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- It is about an event or about a door, and nothing has two letters that wait for somebody.
ALTER TABLE "dead_letters" ADD CONSTRAINT "dead_letters_about_one"
  CHECK (("event_key" IS NULL) = ("schedule_id" IS NOT NULL AND "device_id" IS NOT NULL));
CREATE UNIQUE INDEX "dead_letters_event_unsettled_key" ON "dead_letters" ("event_key") WHERE "state" IN ('open', 'retried');
CREATE UNIQUE INDEX "dead_letters_door_unsettled_key" ON "dead_letters" ("schedule_id", "device_id")
  WHERE "state" IN ('open', 'retried');

ALTER TABLE "installation" ADD COLUMN "pruned_at" TIMESTAMPTZ(3);
