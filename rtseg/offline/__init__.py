"""Recordings, whole: every frame at its own time, all other streams copied, safe against any end.

A clip is done in segments, each encoded by itself, whose borders depend on the clip alone. So a run that was
interrupted goes on at the last border and gives the same video as one that was not; and segments that were
done on several machines are joined without encoding anew.
"""

from rtseg.offline.checks import check_job, is_done
from rtseg.offline.job import ClipJob, ClipSummary, EncoderSettings, Progress, Span
from rtseg.offline.join import clip_jobs, join_clips, join_spans
from rtseg.offline.join_checks import check_join
from rtseg.offline.plan import plan_spans
from rtseg.offline.process import process_clip

__all__ = [
    "ClipJob",
    "ClipSummary",
    "EncoderSettings",
    "Progress",
    "Span",
    "check_job",
    "check_join",
    "clip_jobs",
    "is_done",
    "join_clips",
    "join_spans",
    "plan_spans",
    "process_clip",
]
