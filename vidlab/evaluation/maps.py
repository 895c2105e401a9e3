"""A map of the feature space: videos that a backbone takes for similar lie close together.

Takes features, one vector a video, from `features`; gives points in the plane to `plots`.
"""

from __future__ import annotations

import numpy as np

from vidlab.errors import MetricError

__all__ = ["feature_map"]

_COMPONENTS = 50
_NEIGHBOURS = 30.0


def feature_map(features: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Lay videos out in the plane by their features: PCA, then t-SNE (van der Maaten 2008).

    Near neighbours stay near. Distances between far groups, and the sizes of groups, mean nothing;
    neither do the axes.

    Parameters
    ----------
    features
        Numbers, (videos, features): say the mean of each video's frame features.
    seed
        Of both steps. It changes little: the layout starts from the first two components.

    Returns
    -------
    ndarray of float32, shape (videos, 2)

    Raises
    ------
    MetricError
        If there are fewer than four videos, or the features are not finite numbers of that shape.
    """
    features = np.asarray(features, dtype=np.float32)
    if features.ndim != 2 or len(features) < 4 or not features.size:
        raise MetricError(
            "Expected features of shape (videos, features) of at least four videos. Received: "
            f"shape {features.shape}. Put the frames of each video into one vector, by their mean."
        )
    if not np.isfinite(features).all():
        raise MetricError(
            "Expected finite features. Received: "
            f"{np.count_nonzero(~np.isfinite(features).all(axis=1))} videos with others. "
            "Extract them anew: vidlab features"
        )
    from sklearn.decomposition import PCA  # slow to import, and needed for maps alone
    from sklearn.manifold import TSNE

    components = min(_COMPONENTS, *features.shape)
    reduced = PCA(n_components=components, random_state=seed).fit_transform(features)
    layout = TSNE(
        perplexity=min(_NEIGHBOURS, (len(features) - 1) / 3),
        init="pca" if components > 1 else "random",
        random_state=seed,
    )
    return layout.fit_transform(reduced).astype(np.float32)
