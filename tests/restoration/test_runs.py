"""Runs of samples."""

import numpy as np

from dap.restoration.runs import digital_silence, held, runs


def test_runs():
    assert runs(np.zeros(3, bool)).tolist() == []
    assert runs(np.ones(3, bool)).tolist() == [[0, 3]]
    assert held(np.array([1, 1, 2, 3, 3, 3])).tolist() == [[0, 2], [3, 6]]
    frames = np.array([[0, 1], [0, 2], [0, 2]])
    assert held(frames).tolist() == [[1, 3]]


def test_digital_silence_lasts_ten_milliseconds():
    signal = np.arange(2000.0)
    signal[100:259] = 0
    signal[500:660] = 0.5
    signal[1800:] = 0
    silent = digital_silence(signal, 16000)
    assert runs(silent).tolist() == [[500, 660], [1800, 2000]]
