-- Why: a video may be reported or taken away when its words are erased already; those reasons are kept no longer than others.

CREATE INDEX removal_with_reason ON removal (at) WHERE reason IS NOT NULL;
CREATE INDEX report_with_reason ON report (at) WHERE reason IS NOT NULL;
