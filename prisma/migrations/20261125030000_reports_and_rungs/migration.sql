-- What Seam reports of codes and devices, and which rungs of the ladder are done. Nothing that the previous release reads or writes changes.
ALTER TABLE "access_codes"
  ADD COLUMN "ready_at" TIMESTAMPTZ(3),
  ADD COLUMN "removed_at" TIMESTAMPTZ(3),
  ADD COLUMN "changed_signal_at" TIMESTAMPTZ(3),
  ADD COLUMN "checked_at" TIMESTAMPTZ(3),
  ADD COLUMN "has_other_pin" BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN "backup_access_code_id" TEXT;

ALTER TABLE "devices"
  ADD COLUMN "connected_account_id" TEXT,
  ADD COLUMN "away_since" TIMESTAMPTZ(3),
  ADD COLUMN "away_because" TEXT,
  ADD COLUMN "reach_told_at" TIMESTAMPTZ(3);

CREATE INDEX "devices_connected_account_id_idx" ON "devices" ("connected_account_id");
CREATE INDEX "alerts_device_id_idx" ON "alerts" ("device_id");
