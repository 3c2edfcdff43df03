-- When Seam made a code. The previous release neither reads nor writes it: where it is null, the time of the plan stands in for it.
ALTER TABLE "access_codes" ADD COLUMN "made_at" TIMESTAMPTZ(3);
