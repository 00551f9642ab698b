"""The parts of sed_eval in use, imported without the deprecation warning of ``pkg_resources`` that its import prints.

That warning is about the installed setuptools, which our dependencies pin; a user of the scores can do nothing with it.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

__all__ = ["EventBasedMetrics", "SegmentBasedMetrics"]
