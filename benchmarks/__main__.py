"""`python -m benchmarks`: the speed of the fits on this machine, beside the plain reference."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks import speed
from benchmarks.reference_fit import DESIGNS
from dap.runtime.provenance import machine

HEADER = (
    "| design | precision | reference, s an iteration | ours | ratio | fits of 2,000 iterations an "
    "hour, reference | ours | in a chunk | ratio | GFLOP/s | share of peak | peak memory, "
    "reference, MiB | ours |\n| --- | --- |" + " ---: |" * 11
)
# of a second and 2,000 iterations, of each design; docs/cluster.md counts them
PAPER_A = 14 * 50


def line(row: speed.Row, peak: float, frames: int) -> str:
    """One row of the table; what the reference took of fewer frames than ours is marked."""
    rate = row.gflop / row.chunk
    fewer = f" ({row.frames} frames)" if row.frames < frames else ""
    reference, ours, chunk = (1.8 / each for each in (row.reference, row.seconds, row.chunk))
    return (
        f"| `{row.method}` | {row.precision} | {row.reference:.3g}{fewer} | {row.seconds:.3g} | "
        f"{row.reference / row.seconds:.1f} | {reference:.2g} | {ours:.2g} | {chunk:.2g} | "
        f"{chunk / reference:.1f} | {rate:.0f} | "
        f"{100 * rate / peak:.0f} % | {row.reference_mib:.0f}{fewer} | {row.mib:.0f} |"
    )


def whole(rows: list[speed.Row]) -> str:
    """What all fits of paper A's tables would take, from an iteration of each design."""
    hours = PAPER_A * 2000 * sum(row.chunk for row in rows) / 3600
    return f"Paper A's fits, {len(rows) * PAPER_A:,} of a second: {hours:.3g} hours."


def shortened(rows: list[speed.Row], frames: int) -> str:
    """What is to be known of a reference that was timed on fewer frames."""
    if all(row.frames == frames for row in rows):
        return ""
    return (
        f"On fewer frames, in brackets, where an iteration of the reference of all {frames} takes "
        f"more than {speed.MOST_SECONDS:g} s: its seconds are taken in proportion to the "
        "frames, and its memory is that of so many."
    )


def heading(device: str, threads: int) -> str:
    """Which machine, when, with what."""
    name = torch.cuda.get_device_name() if device == "cuda" else machine()["cpu"]
    cores = "" if device == "cuda" else f", {threads} of {os.cpu_count()} cores"
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"{name}{cores}, PyTorch {torch.__version__}, {date}"


def main() -> None:
    """Time all designs of paper A, ours and the reference in turn, and print a table."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--method", action="append", choices=list(DESIGNS))
    parse.add_argument("--frames", type=int, default=256, help="of the 512-bin spectrogram")
    parse.add_argument("--width", type=float, default=1.0, help="factor on the filters")
    parse.add_argument("--repeats", type=int, default=5, help="of which the medians are taken")
    parse.add_argument("--threads", type=int, default=os.cpu_count(), help="of a fit, on a CPU")
    parse.add_argument("--beside", type=int, default=8, help="fits of a chunk, on a GPU")
    parse.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parse.add_argument(
        "--precision", action="append", choices=["float32", "bfloat16"], help="default: auto's"
    )
    parse.add_argument("--out", type=Path, help="write the table here, too")
    args = parse.parse_args()
    device, threads = args.device, args.threads
    torch.set_num_threads(threads)
    beside = args.beside if device == "cuda" else 1
    precisions = args.precision or (speed.choose("auto", device),)
    peaks = {precision: speed.peak(precision, device) for precision in ("float32", "bfloat16")}
    text = [
        f"{heading(device, threads)}; 512 x {args.frames}, width "
        f"{args.width:g}, medians of {args.repeats}; {beside} fits of a chunk at a time."
    ]
    text += [
        f"Matrix product: {peaks['float32']:.3g} GFLOP/s in float32, {peaks['bfloat16']:.3g} in "
        f"bfloat16; copying: {speed.bandwidth(device):.0f} GB/s.",
        "",
        HEADER,
    ]
    print("\n".join(text), flush=True)
    methods = args.method or list(reversed(DESIGNS))
    bar = tqdm(total=len(precisions) * len(methods) * speed.steps(args.repeats), leave=False)

    def report(doing: str) -> None:
        bar.set_description(doing)
        bar.update()

    def write(*lines: str) -> None:
        text.extend(lines)
        for each in lines:
            bar.write(each)  # to stdout; the bar is on stderr

    for precision in precisions:
        rows = []
        for method in methods:
            row = speed.compare(
                method,
                frames=args.frames,
                width=args.width,
                precision=precision,
                device=device,
                repeats=args.repeats,
                beside=beside,
                report=report,
            )
            rows.append(row)
            write(line(row, peaks[precision], args.frames))
        if note := shortened(rows, args.frames):
            write("", note)
        if len(rows) == len(DESIGNS) and (args.frames, args.width) == (256, 1):
            write("", f"In {precision}: {whole(rows)}")
    bar.close()
    if args.out:
        args.out.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
