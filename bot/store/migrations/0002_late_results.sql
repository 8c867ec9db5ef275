-- Why: what was given up may come back: a video of a job, whose released credit may then be charged, and a card.

DROP TRIGGER reservation_settles_once;

-- Held settles once. Released is taken once more for a job that is on its way again, because its
-- video came late, and then it is charged: that is an end too.
CREATE TRIGGER reservation_settles_once BEFORE UPDATE OF state ON reservation
WHEN OLD.state <> 'held'
 AND NOT (OLD.state = 'released' AND NEW.state = 'charged'
          AND EXISTS (SELECT 1 FROM job
                      WHERE id = OLD.job_id AND state = 'delivering' AND code = 'late'))
BEGIN
    SELECT raise(ABORT, 'a reservation settles once');
END;

-- Jobs that we gave up, not Pika. The codes are those of GIVEN_UP.
CREATE INDEX job_given_up ON job (finished_at)
    WHERE state = 'failed' AND code IN ('unknown', 'stalled', 'gone', 'video_unreachable')
      AND cancel_asked_at IS NULL;

-- Cards that could not be posted where they may stand already: the command's answer was one.
CREATE INDEX card_given_up ON delivery (job_id) WHERE kind = 'card' AND state = 'undeliverable';
