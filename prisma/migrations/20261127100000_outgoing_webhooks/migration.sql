-- Where people's own systems are told of alerts and codes, what they are told, and what has been delivered. Nothing that the
-- previous release reads or writes changes.
CREATE TABLE "webhook_endpoints" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "url" TEXT NOT NULL,
  "event_types" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  "disabled_at" TIMESTAMPTZ(3),
  "disabled_because" TEXT,
  "failing_since" TIMESTAMPTZ(3),
  "quiet_until" TIMESTAMPTZ(3),
  CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "webhook_secrets" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "endpoint_id" UUID NOT NULL,
  "secret_ciphertext" BYTEA NOT NULL,
  "secret_key_id" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  "expires_at" TIMESTAMPTZ(3),
  CONSTRAINT "webhook_secrets_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "webhook_secrets_endpoint_id_fkey" FOREIGN KEY ("endpoint_id")
    REFERENCES "webhook_endpoints" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "webhook_secrets_endpoint_id_idx" ON "webhook_secrets" ("endpoint_id");

CREATE TABLE "webhook_messages" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "type" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "payload" JSONB NOT NULL,
  CONSTRAINT "webhook_messages_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "webhook_messages_at_id_idx" ON "webhook_messages" ("at", "id");

CREATE TABLE "webhook_deliveries" (
  "endpoint_id" UUID NOT NULL,
  "message_id" UUID NOT NULL,
  "due_at" TIMESTAMPTZ(3),
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "attempted_at" TIMESTAMPTZ(3),
  "status" INTEGER,
  "error" TEXT,
  "delivered_at" TIMESTAMPTZ(3),
  CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("endpoint_id", "message_id"),
  CONSTRAINT "webhook_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id")
    REFERENCES "webhook_endpoints" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "webhook_deliveries_message_id_fkey" FOREIGN KEY ("message_id")
    REFERENCES "webhook_messages" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "webhook_deliveries_message_id_idx" ON "webhook_deliveries" ("message_id");
CREATE INDEX "webhook_deliveries_due_idx" ON "webhook_deliveries" ("endpoint_id", "due_at") WHERE "due_at" IS NOT NULL;

CREATE FUNCTION "webhook_instant"("at" TIMESTAMPTZ) RETURNS TEXT LANGUAGE sql STABLE AS
  $$ SELECT to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- A message is written by the statement that writes what it tells of, whoever sends that, so that neither exists without the
-- other; and where nobody listens, no statement is sent for it. The path is kept, so that a restore of rows alone finds its way.
CREATE FUNCTION "tell_webhooks"() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  "told_type" TEXT;
  "told_at" TIMESTAMPTZ;
  "more" JSONB;
BEGIN
  IF NOT EXISTS (SELECT FROM "webhook_endpoints") THEN
    RETURN NULL;
  END IF;
  IF TG_TABLE_NAME = 'alerts' THEN
    "told_type" := CASE NEW."state" WHEN 'open' THEN 'alert.raised' ELSE 'alert.' || NEW."state" END;
    "told_at" := coalesce(NEW."settled_at", NEW."raised_at");
    "more" := jsonb_build_object('alert_id', NEW."id", 'because', NEW."settled_because");
  ELSE
    "told_type" := CASE NEW."kind"
      WHEN 'code.adopted' THEN 'code.created'
      WHEN 'code.updated' THEN 'code.changed'
      WHEN 'code.other_pin' THEN 'code.changed'
      WHEN 'code.backup_pulled' THEN 'code.changed'
      ELSE NEW."kind" END;
    "told_at" := NEW."at";
    "more" := jsonb_build_object('alert_id', NULL, 'because', NULL, 'window_starts_at', NEW."detail" -> 'window_starts_at',
                                 'window_ends_at', NEW."detail" -> 'window_ends_at');
  END IF;
  WITH "message" AS (
    INSERT INTO "webhook_messages" ("type", "at", "payload")
    SELECT "told_type", "told_at", jsonb_build_object('type', "told_type", 'timestamp', "webhook_instant"("told_at"), 'data',
             jsonb_build_object(
               'kind', NEW."kind", 'message', NEW."message", 'schedule_key', s."key", 'holder', s."holder",
               'timezone', s."timezone", 'device_id', NEW."device_id", 'device_name', d."name", 'code_id', NEW."code_id",
               'access_code_id', c."access_code_id")
             || "more"
             || CASE WHEN c."id" IS NULL AND TG_TABLE_NAME = 'history' THEN '{}' ELSE jsonb_build_object(
                  'window_starts_at', "webhook_instant"(c."window_starts_at"),
                  'window_ends_at', "webhook_instant"(c."window_ends_at")) END)
      FROM (VALUES (1)) AS one
      LEFT JOIN "schedules" s ON s."id" = NEW."schedule_id"
      LEFT JOIN "devices" d ON d."id" = NEW."device_id"
      LEFT JOIN "access_codes" c ON c."id" = NEW."code_id"
    RETURNING "id"
  )
  INSERT INTO "webhook_deliveries" ("endpoint_id", "message_id", "due_at")
  SELECT e."id", m."id", "told_at"
    FROM "message" m
    JOIN "webhook_endpoints" e
      ON e."disabled_at" IS NULL AND (e."event_types" = '{}' OR "told_type" = ANY (e."event_types"));
  RETURN NULL;
END
$$;

CREATE TRIGGER "tell_webhooks_of_history" AFTER INSERT ON "history" FOR EACH ROW
  WHEN (NEW."kind" IN ('code.created', 'code.adopted', 'code.ready', 'code.updated', 'code.other_pin', 'code.backup_pulled',
                       'code.removed', 'window.missed'))
  EXECUTE FUNCTION "tell_webhooks"();
CREATE TRIGGER "tell_webhooks_of_alerts_raised" AFTER INSERT ON "alerts" FOR EACH ROW EXECUTE FUNCTION "tell_webhooks"();
CREATE TRIGGER "tell_webhooks_of_alerts_settled" AFTER UPDATE ON "alerts" FOR EACH ROW
  WHEN (OLD."state" IS DISTINCT FROM NEW."state")
  EXECUTE FUNCTION "tell_webhooks"();
