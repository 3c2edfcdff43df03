-- Calendar feeds, read by whoever knows their address. Nothing that the previous release reads or writes changes.
CREATE TABLE "feeds" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "secret_hash" BYTEA NOT NULL,
  "schedule_id" UUID,
  "holder" TEXT,
  "made_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "feeds_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "feeds_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "feeds_of_one" CHECK (("schedule_id" IS NULL) <> ("holder" IS NULL))
);
CREATE UNIQUE INDEX "feeds_secret_hash_key" ON "feeds"("secret_hash");
CREATE INDEX "feeds_schedule_id_idx" ON "feeds"("schedule_id");
