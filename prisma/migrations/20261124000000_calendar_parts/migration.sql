-- Extra windows, blackouts, grace and merging. Defaults keep what the previous release writes and reads as it was.
ALTER TABLE "schedules"
  ADD COLUMN "extra" JSONB NOT NULL DEFAULT '[]',
  ADD COLUMN "blackouts" JSONB NOT NULL DEFAULT '[]',
  ADD COLUMN "grace_early_minutes" SMALLINT NOT NULL DEFAULT 0,
  ADD COLUMN "grace_late_minutes" SMALLINT NOT NULL DEFAULT 0,
  ADD COLUMN "merge_gaps_up_to_minutes" SMALLINT NOT NULL DEFAULT 0;

CREATE TABLE "door_blackouts" (
  "device_id" TEXT NOT NULL,
  "blackouts" JSONB NOT NULL,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "door_blackouts_pkey" PRIMARY KEY ("device_id")
);
