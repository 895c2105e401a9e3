"""Four bits: rounded after training, or learned under the rounding? Over training seeds.

``python -m tests.benchmarks.rounding [--seeds 0 1 2 3 4] [--bits 4]``: `frame-finetuned` of each
seed, kept where ``vidlab train`` keeps it, as it is, rounded, and rounded and trained on as in the
notebook on phones: five epochs of one frame a video, all of the backbone but its statistics.
"""

import argparse
import contextlib
import io

import keras
import numpy as np
import pandas as pd

from vidlab import Clips, Lab, datasets, predictions
from vidlab.data.sampling import Segments, Uniform
from vidlab.files import write_text
from vidlab.models.quantization import fake_quantized

RECIPE, EPOCHS, RATE = "frame-finetuned", 5, 1e-4


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rounding")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--profile", default="quick")
    given = parser.parse_args(arguments)
    lab, rows = Lab(given.profile), {}
    for seed in given.seeds:
        with contextlib.redirect_stdout(io.StringIO()):
            model = lab.run(RECIPE, seed=seed).model()
        rows[seed] = accuracies(lab, model, bits=given.bits, seed=seed)
        print(f"seed {seed}: {rows[seed]}", flush=True)
    table = pd.DataFrame(rows).T
    text = pd.concat([table, table.agg(["mean", "std"]).round(1)]).to_string() + "\n"
    path = datasets.home() / "runs" / "bench" / f"rounding-{given.profile}.txt"
    write_text(path, text)
    print(f"\n{text}\nkept in {path}")


def accuracies(lab, model, *, bits, seed):
    """Measure a network whole, rounded, and trained on under the rounding, in percent."""
    train, _, test = lab.split()
    stream = lab.recipe(RECIPE).streams
    kept = {"cache": lab.home / "cache"}
    drawn = {"shuffle": True, "seed": seed, **kept}
    sampled = Clips(train, stream.changed(sampling=Uniform(1)), batch_size=128, **drawn)[0][0]
    tested = Clips(test, stream.changed(sampling=stream.at_test), batch_size=64, **kept)

    def share(network):
        found = predictions.predict(network, tested)
        return round(100 * float(np.mean(found.y_pred == found.y_true)), 1)

    keras.utils.set_random_seed(seed)
    copy = fake_quantized(model, bits, sampled)
    found = {"32 bits": share(model), f"{bits} bits": share(copy)}
    for layer in copy.get_layer("backbone").layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    copy.compile(keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy")
    learned = Clips(train, stream.changed(sampling=Segments(1)), batch_size=32, **drawn)
    copy.fit(learned, epochs=EPOCHS, verbose=0)
    return found | {f"{bits} bits, learned": share(copy)}


if __name__ == "__main__":
    main()
