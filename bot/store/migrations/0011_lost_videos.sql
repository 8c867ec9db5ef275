-- Why: a video that we have lost before it was posted is not paid for.

DROP TRIGGER reservation_settles_once;

-- As before (0007), and what was charged is given back for a job whose finished video was lost.
CREATE TRIGGER reservation_settles_once BEFORE UPDATE OF state ON reservation
WHEN OLD.state <> 'held'
 AND NOT (OLD.state = 'released' AND NEW.state = 'charged'
          AND EXISTS (SELECT 1 FROM job WHERE id = OLD.job_id AND code = 'late'
                      AND state IN ('delivering', 'reviewing')))
 AND NOT (OLD.state = 'charged' AND NEW.state = 'released'
          AND EXISTS (SELECT 1 FROM job WHERE id = OLD.job_id AND code = 'lost'
                      AND state = 'failed'))
BEGIN
    SELECT raise(ABORT, 'a reservation settles once');
END;
