"""PSDS on many resamples of clips at once, for settings without cross triggers: what a report's tests are drawn from.

A resample has each clip a whole number of times, so a class's false positives are whole numbers, and few of them fit
under ``max_efpr``: 44 in 160 clips of 10 s at 100 an hour. The staircase of ``psds.py`` is then a table, the best share
of events found with at most f false positives, which is filled for all resamples together; figures are those of
``psds.py`` but for rounding.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import (
    FALSE_POSITIVES,
    TRUE_POSITIVES,
    Changes,
    ClipStatistics,
    weighted_sum,
)
from lightning_modules.metrics.curves.psds import SECONDS_AN_HOUR, Floats, PsdsSettings


def psds_on_draws(statistics: ClipStatistics, settings: PsdsSettings, weights_RN: Floats) -> Floats:
    """PSDS of each of R resamples that have clip n ``weights_RN[:, n]`` times, (R,); NaN without a reference event.

    Raises ``ValueError`` for weights that are no whole numbers, and for settings with cross triggers, whose means over
    classes are none.
    """
    if settings.alpha_ct:
        raise ValueError(f"alpha_ct is {settings.alpha_ct}, allowed: 0")
    times_RN = weights_RN.astype(np.int32)
    if not np.array_equal(times_RN, weights_RN):
        raise ValueError("weights are not all whole numbers")
    num_reference_RC = weighted_sum(statistics.num_reference_NC, weights_RN)
    hours_R = weighted_sum(statistics.duration_seconds_N, weights_RN) / SECONDS_AN_HOUR
    rates_RF = np.arange(int(settings.max_efpr * hours_R.max()) + 2) / hours_R[:, None]
    ends_RF = np.minimum(np.append(rates_RF[:, 1:], np.full((len(hours_R), 1), np.inf), axis=1), settings.max_efpr)
    widths_RF = np.maximum(ends_RF - rates_RF, 0.0) / settings.max_efpr  # none beyond max_efpr

    present_RC = num_reference_RC > 0
    num_present_R = np.where(present_RC.any(axis=1), present_RC.sum(axis=1), np.nan)
    with ThreadPoolExecutor() as cores:  # the kernel holds no lock
        most = cores.map(lambda changes: _most_found(changes, times_RN, rates_RF.shape[1]), statistics.changes)
    found_CRF = np.stack(list(most)) / np.where(present_RC, num_reference_RC, np.inf).T[:, :, None]
    mean_RF = found_CRF.sum(axis=0) / num_present_R[:, None]  # a class that is absent adds nothing
    deviations_CRF = (found_CRF - mean_RF) * present_RC.T[:, :, None]
    std_RF = np.sqrt((deviations_CRF**2).sum(axis=0) / num_present_R[:, None])
    steady_RF = np.maximum(mean_RF - settings.alpha_st * std_RF, 0.0)
    figures_R: Floats = (steady_RF * widths_RF).sum(axis=1)
    return figures_R


def _most_found(changes: Changes, times_RN: NDArray[np.int32], num_rates: int) -> Floats:
    """The most true positives at any threshold that has at most f false positives, (R, F)."""
    is_last_K = np.append(changes.scores_K[1:] != changes.scores_K[:-1], True)[: len(changes.scores_K)]
    most_RF = _most_at(changes.deltas_KS, changes.clips_K, is_last_K, times_RN, num_rates)
    best_RF: Floats = np.maximum.accumulate(most_RF, axis=1)
    return best_RF


@njit(cache=True, nogil=True)
def _most_at(  # type: ignore[no-untyped-def]
    deltas_KS, clips_K, is_last_K, times_RN, num_rates
):
    """The most true positives at any threshold that has f false positives, (R, F); 0 where none has."""
    most_RF = np.zeros((len(times_RN), num_rates))
    for draw in range(len(times_RN)):
        true, false = 0, 0
        for k in range(len(clips_K)):
            times = times_RN[draw, clips_K[k]]
            true += times * deltas_KS[k, TRUE_POSITIVES]
            false += times * deltas_KS[k, FALSE_POSITIVES]
            if is_last_K[k] and false < num_rates and true > most_RF[draw, false]:
                most_RF[draw, false] = true
    return most_RF
