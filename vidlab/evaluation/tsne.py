"""A t-SNE of features: videos with similar features lie close together."""

from __future__ import annotations

import numpy as np

__all__ = ["tsne"]


def tsne(features: np.ndarray) -> np.ndarray:
    """Lay videos out in the plane by PCA to 50 dimensions, then t-SNE (van der Maaten 2008).

    Near neighbours stay near. Distances between far groups, and the sizes of groups, mean nothing;
    neither do the axes. The layout starts from the first two components, so chance changes little.

    Parameters
    ----------
    features
        Numbers, (videos, features): say the mean of each video's frame features.

    Returns
    -------
    ndarray of float32, shape (videos, 2)

    Raises
    ------
    ValueError
        If the features are not of that shape, or one is not a finite number.
    """
    from sklearn.decomposition import PCA  # slow to import, and needed here alone
    from sklearn.manifold import TSNE

    features = np.asarray(features, dtype=np.float32)
    components = min(50, *features.shape)
    reduced = PCA(n_components=components, random_state=0).fit_transform(features)
    layout = TSNE(
        perplexity=min(30.0, (len(features) - 1) / 3),
        init="pca" if components > 1 else "random",
        random_state=0,
    )
    return layout.fit_transform(reduced).astype(np.float32)
