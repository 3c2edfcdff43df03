-- Where the reconciler stands. Nothing that the previous release reads or writes changes.
ALTER TABLE "installation"
  ADD COLUMN "events_read_to" TIMESTAMPTZ(3),
  ADD COLUMN "events_reading_to" TIMESTAMPTZ(3),
  ADD COLUMN "events_offset" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "devices_compared_to" TEXT;

-- An installation of before has received its events by webhook: it reads on from the last one.
UPDATE "installation" SET "events_read_to" = (SELECT max("received_at") FROM "inbox");
