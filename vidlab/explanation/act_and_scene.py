"""Clips without their act, and acts in the scenes of other clips.

The outlines of `pantomime` show where an act is. Where nobody has outlined it, it is what moves:
that finds the limbs and what is carried, but not a person who stands still, and shaking hands
behind the camera make edges move too.
"""

from __future__ import annotations

import cv2
import numpy as np

from vidlab.errors import MetricError

__all__ = ["blurred", "motion_mask", "on_scene", "without_act"]

_MARGIN = 0.03  # of the picture's width: soft edges are hidden with the act, and most of a shadow
_GREY = 127.0
_FEWEST_CORNERS = 8


def motion_mask(clip: np.ndarray) -> np.ndarray:
    """Mark what moves: where the colours of a place spread over time, once the camera is still.

    Each frame is laid over the middle one by the way most corners went, which are taken to belong
    to what stands still. The mask is that of the whole clip, the same in every frame.

    Parameters
    ----------
    clip
        (time, height, width, 3), 0–255.

    Returns
    -------
    numpy.ndarray
        bool, (time, height, width); nothing is marked in a clip of one frame.
    """
    clip = np.asarray(clip, np.float32)
    time, height, width = clip.shape[:3]
    grey = np.clip(clip.mean(axis=-1), 0, 255).astype(np.uint8)
    corners = cv2.goodFeaturesToTrack(grey[time // 2], 200, 0.01, max(3.0, width / 40))
    steady = np.stack([_aligned(frame, grey[time // 2], corners) for frame in grey])
    spread = np.percentile(steady, 95, axis=0) - np.percentile(steady, 5, axis=0)
    soft = cv2.GaussianBlur(spread.astype(np.float32), (0, 0), width / 60)
    moving = soft > max(8.0, 0.35 * float(np.percentile(soft, 99)))
    mask = _dilated(moving, by=1.5 * _MARGIN * width)
    return np.broadcast_to(mask, (time, height, width)) & (time > 1)


def without_act(clip: np.ndarray, act: np.ndarray) -> np.ndarray:
    """Fill the act, and a little around it, with what surrounds it, softly.

    Parameters
    ----------
    clip
        (time, height, width, 3), 0–255.
    act
        (time, height, width), bool, or the share of each pixel that the act covers, 0–1. A
        margin of 3% of the width is hidden with it: soft edges, and most of a shadow.

    Returns
    -------
    numpy.ndarray
        float32, the clip's shape.

    Raises
    ------
    MetricError
        If clip and mask are not of one size, or the mask not from 0 to 1.
    """
    clip, act = _checked(clip, act)
    masks = (_dilated(mask > 0, by=_MARGIN * clip.shape[2]) for mask in act)
    return np.stack([_filled(frame, mask) for frame, mask in zip(clip, masks, strict=True)])


def on_scene(clip: np.ndarray, scene: np.ndarray, *, act: np.ndarray) -> np.ndarray:
    """Put the act of one clip into the scene of another, frame by frame.

    Parameters
    ----------
    clip, scene
        (time, height, width, 3), 0–255, both of one shape; hide the act of `scene` first, by
        `without_act`.
    act
        Where the act of `clip` is, (time, height, width), bool, or the share of each pixel, 0–1.

    Returns
    -------
    numpy.ndarray
        float32, the clips' shape.

    Raises
    ------
    MetricError
        If clips and mask are not of one size, or the mask not from 0 to 1.
    """
    scene, _ = _checked(scene, act)
    clip, act = _checked(clip, act)
    return scene + act[..., None] * (clip - scene)


def blurred(picture: np.ndarray, spread: float) -> np.ndarray:
    """Blur a picture by a Gaussian of `spread` pixels; wide ones on a smaller picture, to be quick.

    Parameters
    ----------
    picture
        float32, (height, width) or (height, width, channels).
    """
    height, width = picture.shape[:2]
    smaller = max(1, int(spread / 4))
    size = (max(1, width // smaller), max(1, height // smaller))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), spread / smaller, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _dilated(mask: np.ndarray, *, by: float) -> np.ndarray:
    """Add what lies within so many pixels of a mask, bool, (height, width)."""
    side = 2 * round(by) + 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), ellipse).astype(bool)


def _filled(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill the masked places of a frame from near ones, and where these are masked too, from afar.

    Dividing the blurred picture by the blurred mask leaves out what is masked (*normalised
    convolution*, Knutsson and Westin 1993).
    """
    if not mask.any():
        return frame
    known = (~mask).astype(np.float32)
    filled = np.full_like(frame, frame[~mask].mean(axis=0) if known.any() else _GREY)
    for share in (1 / 3, 1 / 8, 1 / 20):
        spread = share * min(mask.shape)
        weight = blurred(known, spread)[..., None]
        near = blurred(frame * known[..., None], spread) / np.maximum(weight, 1e-6)
        filled += np.clip(weight / 0.1, 0, 1) * (near - filled)
    return np.where(mask[..., None], filled, frame)


def _aligned(frame: np.ndarray, other: np.ndarray, corners: np.ndarray | None) -> np.ndarray:
    """Move a frame, uint8, to where the corners of the other one are; few corners: as it is."""
    if corners is None:
        return frame
    here, found, _ = cv2.calcOpticalFlowPyrLK(other, frame, corners, None)
    seen = found.ravel() == 1
    if seen.sum() < _FEWEST_CORNERS:
        return frame
    matrix, _ = cv2.estimateAffinePartial2D(
        here[seen], corners[seen], ransacReprojThreshold=1.0, maxIters=500
    )
    if matrix is None:
        return frame
    return cv2.warpAffine(frame, matrix, frame.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def _checked(clip: np.ndarray, act: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clip, act = np.asarray(clip, np.float32), np.asarray(act, np.float32)
    low, high = act.min(initial=0), act.max(initial=0)
    if clip.ndim != 4 or act.shape != clip.shape[:3] or low < 0 or high > 1:
        raise MetricError(
            "Expected a clip (time, height, width, 3) and a mask of it, true or false or shares "
            f"from 0 to 1. Received: shapes {clip.shape} and {act.shape}, {low:g} to {high:g}. "
            "Make the mask at the size of the clip, and divide one of 0 and 255 by 255."
        )
    return clip, act
