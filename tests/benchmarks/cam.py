"""How fast is Grad-CAM of 16 frames? vidlab against tf-keras-vis, and against the model alone.

``cam`` explains 16 pictures of 224×224 by keras.applications.MobileNetV2, at the same layer:
tf-keras-vis once with all of them in one batch and once called for each of them, in both cases with
one object that is made beforehand. ``cam.clip`` explains a clip of 16 frames by MobileNetV2 and a
GRU, beside what cannot be avoided: the same compiled model, forwards and back through all of it.
Weights are random, which does not change the time; tracing and compiling happen in the first turn,
which does not count. Speeds are frames per second.
"""

import keras
import numpy as np

from tests import built
from tests.benchmarks import turns
from vidlab import explanation
from vidlab.models import backbones

FRAMES, CLASSES, ROUNDS = 16, 101, 7
SIZE = (224, 224)


def measure(of="frames"):
    keras.utils.set_random_seed(0)
    pictures = np.random.default_rng(0).integers(0, 256, (FRAMES, *SIZE, 3)).astype(np.float32)
    methods = against_tf_keras_vis(pictures) if of == "frames" else against_passes(pictures)
    return turns.rates(
        {name: turns.Method(run, FRAMES) for name, run in methods.items()}, rounds=ROUNDS
    )


def against_tf_keras_vis(pictures):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    model = keras.applications.MobileNetV2(weights=None, input_shape=(*SIZE, 3))
    pictures = pictures / 127.5 - 1
    layer = explanation.default_layer(model)
    tool = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)

    def ours():
        return explanation.grad_cam(model, pictures, target=0).heat

    def at_once(some=pictures):
        score = CategoricalScore([0] * len(some))
        return tool(score, some, penultimate_layer=layer, seek_penultimate_conv_layer=False)

    def one_by_one():
        return np.concatenate([at_once(picture[None]) for picture in pictures])

    turns.remark(f"cam at {layer}")
    return {"vidlab": ours, "tf-keras-vis-batch": at_once, "tf-keras-vis-single": one_by_one}


def against_passes(pictures):
    import tensorflow as tf

    model = built.convgru(backbones.build("mobilenetv2"), CLASSES)
    clip = tf.constant(pictures[None])

    @tf.function
    def there_and_back(clip):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(clip)
            score = model(clip, training=False)[0, 0]
        return tape.gradient(score, clip)

    @tf.function
    def there(clip):
        return model(clip, training=False)

    turns.remark(f"cam.clip at {explanation.default_layer(model)}")
    return {
        "vidlab": lambda: explanation.grad_cam(model, pictures, target=0).heat,
        "forward": lambda: there(clip).numpy(),
        "forward-and-backward": lambda: there_and_back(clip).numpy(),
    }
