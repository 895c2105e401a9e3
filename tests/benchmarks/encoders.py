"""Does looking at time win back what a light encoder loses? Encoders, heads and seeds.

``python -m tests.benchmarks.encoders [--seeds 0 1 2 3 4]``: the hypothesis of Chiche 2019. The
built-in encoder is compared with one of a quarter of its channels and with its own copies rounded
to few bits, each with a head of single frames, a GRU and an LSTM on its frozen features. Runs are
kept where those of ``vidlab train`` are, so an interrupted one goes on. The gap of a head is what
the light encoder loses with it; *won back* is how much smaller a recurrent head's gap is than that
of single frames. Each video counts with its mean over the seeds; intervals draw twins together.
"""

import argparse
import contextlib
import io
import time

import numpy as np
import pandas as pd

from vidlab import Clips, Lab, backbones, datasets
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Rgb
from vidlab.evaluation import intervals
from vidlab.files import write_text
from vidlab.models.quantization import fake_quantized

HEADS = {"single": "mobilenet-single", "gru": "mobilenet-gru", "lstm": "mobilenet-lstm"}
FULL, NARROW, BITS = "residual", "residual-0.25", (8, 4, 3, 2)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.encoders")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--profile", default="quick")
    given = parser.parse_args(arguments)
    labs = {FULL: Lab(given.profile), NARROW: Lab(given.profile, backbone=NARROW)}
    labs |= {f"{bits} bits": rounded(labs[FULL], bits, given.profile) for bits in BITS}
    right = {}
    for seed in given.seeds:
        for encoder, lab in labs.items():
            started = time.perf_counter()
            for head in given.heads:
                with contextlib.redirect_stdout(io.StringIO()):
                    found = lab.run(HEADS[head], seed=seed).predictions
                right.setdefault((encoder, head), []).append(found.y_pred == found.y_true)
            print(f"seed {seed}, {encoder}: {time.perf_counter() - started:.0f} s", flush=True)
    units = {
        "clusters": intervals.clusters_of(found),
        "strata": intervals.strata_of(found),
    }
    text = f"profile {given.profile}, seeds {given.seeds}\n\n{tables(right, given.heads, units)}\n"
    path = datasets.home() / "runs" / "bench" / f"encoders-{given.profile}.txt"
    write_text(path, text)
    print(f"\n{text}\nkept in {path}")


def rounded(lab, bits, profile):
    """Open a lab whose encoder is the full one, rounded in ranges met on training frames."""
    path = datasets.home() / "runs" / "bench" / f"residual-{bits}-bits.keras"
    size = (lab.profile.image_size,) * 2
    if not path.is_file():
        train, _, _ = lab.split()
        frames = Clips(train, Rgb(Uniform(1), size), batch_size=128, shuffle=True)[0][0]
        backbone = backbones.build(FULL, size=size, weights=lab.profile.weights)
        path.parent.mkdir(parents=True, exist_ok=True)
        fake_quantized(backbone, bits, frames).save(path)
    return Lab(profile, backbone=FULL, weights=str(path))


def tables(right, heads, units):
    """Write accuracies, gaps to the full encoder, and what recurrent heads win back, in percent."""
    accuracy, gaps, back = {}, {}, {}
    for encoder, head in right:
        runs = np.mean(right[encoder, head], axis=1)
        spread = f" ± {100 * runs.std(ddof=1):.1f}" if len(runs) > 1 else ""
        accuracy.setdefault(encoder, {})[head] = f"{100 * runs.mean():.1f}{spread}"
        if encoder != FULL:
            gap = {h: mean(right[FULL, h]) - mean(right[encoder, h]) for h in heads}
            gaps.setdefault(encoder, {})[head] = told(gap[head], units)
            if head != "single" and "single" in heads:
                back.setdefault(encoder, {})[head] = told(gap["single"] - gap[head], units)
    named = {"accuracy": accuracy, "gap to the full encoder": gaps, "won back": back}
    return "\n\n".join(f"{name}\n{pd.DataFrame(t).T.to_string()}" for name, t in named.items())


def mean(runs):
    return np.mean(runs, axis=0)


def told(scores, units):
    made = intervals.bootstrap(scores, **units)
    return f"{100 * made.estimate:+.1f} ({100 * made.low:+.1f} to {100 * made.high:+.1f})"


if __name__ == "__main__":
    main()
