-- Tables as prisma/schema.prisma describes them. What Prisma cannot express follows at the end.

CREATE TYPE "schedule_status" AS ENUM ('active', 'paused', 'ended');

CREATE TYPE "pin_policy" AS ENUM ('keep', 'rotate', 'given');

CREATE TYPE "code_state" AS ENUM ('planned', 'calling', 'unknown', 'created', 'removing', 'rejected', 'removed', 'closed');

CREATE TYPE "inbox_state" AS ENUM ('received', 'handled', 'ignored');

CREATE TABLE "installation" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "marker_prefix" TEXT NOT NULL,
    "tzdata_version" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "schedules" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "holder" TEXT,
    "timezone" TEXT NOT NULL,
    "starts_on" DATE NOT NULL,
    "ends_on" DATE,
    "except_dates" DATE[],
    "pin_policy" "pin_policy" NOT NULL DEFAULT 'keep',
    "pin_ciphertext" BYTEA,
    "pin_key_id" TEXT,
    "allow_other_pin" BOOLEAN NOT NULL DEFAULT false,
    "status" "schedule_status" NOT NULL DEFAULT 'active',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "schedules_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "schedule_rules" (
    "schedule_id" UUID NOT NULL,
    "position" SMALLINT NOT NULL,
    "rrule" TEXT NOT NULL,
    "from_local" TEXT NOT NULL,
    "to_local" TEXT NOT NULL,

    CONSTRAINT "schedule_rules_pkey" PRIMARY KEY ("schedule_id","position")
);

CREATE TABLE "schedule_devices" (
    "schedule_id" UUID NOT NULL,
    "device_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "pin_ciphertext" BYTEA,
    "pin_key_id" TEXT,

    CONSTRAINT "schedule_devices_pkey" PRIMARY KEY ("schedule_id","device_id")
);

CREATE TABLE "devices" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "timezone" TEXT,
    "constraints" JSONB NOT NULL,
    "refreshed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "devices_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "holiday_lists" (
    "name" TEXT NOT NULL,
    "dates" DATE[],
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "holiday_lists_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "schedule_holiday_lists" (
    "schedule_id" UUID NOT NULL,
    "holiday_list_name" TEXT NOT NULL,

    CONSTRAINT "schedule_holiday_lists_pkey" PRIMARY KEY ("schedule_id","holiday_list_name")
);

CREATE TABLE "access_codes" (
    "id" UUID NOT NULL,
    "schedule_id" UUID NOT NULL,
    "device_id" TEXT NOT NULL,
    "window_starts_at" TIMESTAMPTZ(3) NOT NULL,
    "window_ends_at" TIMESTAMPTZ(3) NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "marker" TEXT NOT NULL,
    "state" "code_state" NOT NULL DEFAULT 'planned',
    "fence" INTEGER NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "pin_ciphertext" BYTEA,
    "pin_key_id" TEXT,
    "access_code_id" TEXT,
    "asked_starts_at" TIMESTAMPTZ(3),
    "asked_ends_at" TIMESTAMPTZ(3),
    "confirmed_starts_at" TIMESTAMPTZ(3),
    "confirmed_ends_at" TIMESTAMPTZ(3),
    "called_at" TIMESTAMPTZ(3),
    "quiet_until" TIMESTAMPTZ(3),
    "next_try_at" TIMESTAMPTZ(3),
    "gone_signal_at" TIMESTAMPTZ(3),
    "device_away_since" TIMESTAMPTZ(3),
    "adopted" BOOLEAN NOT NULL DEFAULT false,
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "access_codes_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "inbox" (
    "key" TEXT NOT NULL,
    "svix_id" TEXT,
    "event_type" TEXT,
    "access_code_id" TEXT,
    "device_id" TEXT,
    "occurred_at" TIMESTAMPTZ(3),
    "payload" JSONB,
    "state" "inbox_state" NOT NULL DEFAULT 'received',
    "reason" TEXT,
    "run" INTEGER NOT NULL DEFAULT 0,
    "job_id" UUID,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "done_at" TIMESTAMPTZ(3),

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("key")
);

CREATE TABLE "history" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "alert" BOOLEAN NOT NULL DEFAULT false,
    "message" TEXT NOT NULL,
    "schedule_id" UUID,
    "device_id" TEXT,
    "code_id" UUID,
    "event_key" TEXT,
    "detail" JSONB,

    CONSTRAINT "history_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "installation_marker_prefix_key" ON "installation"("marker_prefix");

CREATE UNIQUE INDEX "schedules_key_key" ON "schedules"("key");

CREATE INDEX "schedule_devices_device_id_idx" ON "schedule_devices"("device_id");

CREATE INDEX "schedule_holiday_lists_holiday_list_name_idx" ON "schedule_holiday_lists"("holiday_list_name");

CREATE UNIQUE INDEX "access_codes_device_id_marker_key" ON "access_codes"("device_id", "marker");

CREATE UNIQUE INDEX "access_codes_access_code_id_key" ON "access_codes"("access_code_id");

CREATE INDEX "access_codes_schedule_id_device_id_window_ends_at_idx" ON "access_codes"("schedule_id", "device_id", "window_ends_at");

CREATE INDEX "access_codes_device_id_state_idx" ON "access_codes"("device_id", "state");

CREATE UNIQUE INDEX "access_codes_schedule_id_device_id_window_starts_at_generat_key" ON "access_codes"("schedule_id", "device_id", "window_starts_at", "generation");

CREATE INDEX "inbox_access_code_id_idx" ON "inbox"("access_code_id");

CREATE INDEX "history_schedule_id_device_id_at_idx" ON "history"("schedule_id", "device_id", "at");

CREATE INDEX "history_code_id_idx" ON "history"("code_id");

ALTER TABLE "schedule_rules" ADD CONSTRAINT "schedule_rules_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "schedule_devices" ADD CONSTRAINT "schedule_devices_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "schedule_holiday_lists" ADD CONSTRAINT "schedule_holiday_lists_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "schedule_holiday_lists" ADD CONSTRAINT "schedule_holiday_lists_holiday_list_name_fkey" FOREIGN KEY ("holiday_list_name") REFERENCES "holiday_lists"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "access_codes" ADD CONSTRAINT "access_codes_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- There is one installation.
ALTER TABLE "installation" ADD CONSTRAINT "installation_one_row" CHECK ("id" = 1);

-- Never two open codes for one window, whatever their generations.
CREATE UNIQUE INDEX "access_codes_one_open_per_window" ON "access_codes"("schedule_id", "device_id", "window_starts_at")
  WHERE "state" NOT IN ('removed', 'closed');

-- An open row always has a moment at which it is looked at again, and a final one never: the chain cannot fall asleep.
ALTER TABLE "access_codes" ADD CONSTRAINT "access_codes_open_rows_wake"
  CHECK (("state" IN ('removed', 'closed')) = ("next_try_at" IS NULL));
ALTER TABLE "access_codes" ADD CONSTRAINT "access_codes_window_not_empty" CHECK ("window_starts_at" < "window_ends_at");
ALTER TABLE "access_codes" ADD CONSTRAINT "access_codes_created_has_id"
  CHECK ("state" NOT IN ('created', 'removing') OR "access_code_id" IS NOT NULL);

-- What the two pumps look for: small, because done rows are not in them.
CREATE INDEX "access_codes_next_try_at_idx" ON "access_codes"("next_try_at") WHERE "next_try_at" IS NOT NULL;
CREATE INDEX "inbox_due_at_idx" ON "inbox"("due_at") WHERE "state" = 'received';
