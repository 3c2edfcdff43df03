ALTER TABLE "schedules" ADD COLUMN "by_hand" JSONB NOT NULL DEFAULT '{"closed": [], "opened": []}';
ALTER TABLE "access_codes" ADD COLUMN "pin_revoked" BOOLEAN NOT NULL DEFAULT false;

CREATE TABLE "answered_requests" (
    "key" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "answer" JSONB NOT NULL,
    "status" SMALLINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "answered_requests_pkey" PRIMARY KEY ("key")
);
