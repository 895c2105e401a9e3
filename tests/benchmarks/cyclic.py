"""Which models tell forwards from backwards? Accuracy inside the pairs, splits and seeds pooled.

``python -m tests.benchmarks.cyclic [recipe …] [--splits 1 2 3] [--seeds 0 1 2 3 4]`` trains what is
missing (kept where ``vidlab train`` keeps it, so an interrupted run goes on) and
measures, inside the end-state pairs and inside the cyclic pair, how often the right one of the two
classes is the more probable. The test videos of the splits are pooled, each counting with its mean
over the seeds; the interval draws twins together. A model blind to the order gets one half.
"""

import argparse
import contextlib
import io
import time

import numpy as np
import pandas as pd

from vidlab import datasets
from vidlab.evaluation import intervals, motion
from vidlab.files import write_text

RECIPES = (
    *("linear-mean", "linear-last", "linear-first-last", "linear-difference"),
    *("frame-finetuned", "mobilenet-single"),
    *("convgru-fixed", "convgru-finetuned", "cnn-lstm", "mobilenet-gru"),
)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cyclic")
    parser.add_argument("recipe", nargs="*", help=f"without any: {', '.join(RECIPES)}")
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--profile", default="quick")
    given = parser.parse_args(arguments)
    from vidlab import Lab

    lab, names = Lab(given.profile), given.recipe or RECIPES
    found = {name: {} for name in names}
    for seed in given.seeds:
        for name in names:
            started = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                runs = [lab.run(name, seed=seed, split=split) for split in given.splits]
            found[name][seed] = intervals.pool([run.predictions for run in runs])
            print(f"seed {seed}, {name}: {time.perf_counter() - started:.0f} s", flush=True)
    rows = {name: row(by_seed.values()) for name, by_seed in found.items()}
    table = pd.DataFrame(rows).T.to_string()
    path = datasets.home() / "runs" / "bench" / f"cyclic-{given.profile}.txt"
    text = f"splits {given.splits}, seeds {given.seeds}\n\n{table}\n"
    write_text(path, text)
    print(f"\n{text}\nkept in {path}")


def row(seeds):
    """Write one recipe's accuracies: over all classes, and inside each kind of pair."""
    seeds = list(seeds)
    first = seeds[0]
    top1 = np.mean([one.y_pred == one.y_true for one in seeds], axis=0)
    clusters, strata = intervals.clusters_of(first), intervals.strata_of(first)
    cells = {"all classes": _cell(top1, clusters, strata)}
    for kind, pairs in motion.pair_kinds(first.classes, first.reversed_pairs).items():
        scores = np.mean([inside(one, pairs) for one in seeds], axis=0)
        own = ~np.isnan(scores)
        spread = np.std([np.nanmean(inside(one, pairs)) for one in seeds]) if len(seeds) > 1 else 0
        cells[kind] = _cell(scores[own], clusters[own], strata[own])
        cells[f"{kind}: sd of seeds, units"] = (
            f"{100 * spread:.1f}, {len(np.unique(clusters[own]))}"
        )
    return cells


def inside(predictions, pairs):
    """Say of each video of a pair whether its class is the more probable of the two: 0 or 1."""
    scores = np.full(len(predictions.y_true), np.nan)
    for names in pairs:
        pair = [predictions.classes.index(name) for name in names]
        own = np.isin(predictions.y_true, pair)
        better = np.asarray(pair)[predictions.probabilities[own][:, pair].argmax(axis=1)]
        scores[own] = better == predictions.y_true[own]
    return scores


def _cell(scores, clusters, strata):
    made = intervals.bootstrap(scores, clusters, strata=strata)
    return f"{100 * made.estimate:.1f} ({100 * made.low:.1f} to {100 * made.high:.1f})"


if __name__ == "__main__":
    main()
