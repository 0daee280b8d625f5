#!/usr/bin/env bash
# Speed and quality of the fits on a GPU, in under 9 minutes: three tables in $OUT (results/benchmarks).
# Needs PyTorch, numpy, lazy_loader and this repository, and benchmarks/clips.npz, which
# `python -m benchmarks.export_clips FOLDER` makes of recordings beforehand.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f benchmarks/clips.npz ] || { echo "no benchmarks/clips.npz: python -m benchmarks.export_clips FOLDER"; exit 1; }
out=${OUT:-results/benchmarks}
mkdir -p "$out"
python3 -m benchmarks --device cuda --repeats 2 --out "$out/speed-gpu.md"
python3 -m benchmarks.harmonic --device cuda --repeats 3 --deform-frames 256 | tee "$out/harmonic-gpu.md"
python3 -m benchmarks.quality --device cuda --width 1 --samples 16384 --iterations 600 --spread 4 \
	--eager --out "$out/quality-gpu.md"
