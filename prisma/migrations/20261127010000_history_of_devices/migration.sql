CREATE INDEX "history_device_id_id_idx" ON "history"("device_id", "id");
