-- An endpoint that is being removed while a message is written is not there any more, instead of failing what the message tells of:
-- the foreign key would find it gone only afterwards. Otherwise the function is as it was.
CREATE OR REPLACE FUNCTION "tell_webhooks"() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
  WITH "told" AS (
    SELECT e."id" FROM "webhook_endpoints" e
     WHERE e."disabled_at" IS NULL AND (e."event_types" = '{}' OR "told_type" = ANY (e."event_types"))
       FOR KEY SHARE
  ), "message" AS (
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
  SELECT t."id", m."id", "told_at" FROM "message" m CROSS JOIN "told" t;
  RETURN NULL;
END
$$;

-- What was given up is looked for among millions that were delivered.
CREATE INDEX "webhook_deliveries_given_up_idx" ON "webhook_deliveries" ("endpoint_id") WHERE "due_at" IS NULL AND "delivered_at" IS NULL;
