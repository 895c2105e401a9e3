"""A body's proportions and joints: from joint angles, or from where hands and feet should be.

All lengths are in body heights, x to the right, y up, the floor at y = 0. A skeleton faces +x;
``turn`` says how much it is turned to the viewer: 0 is a profile, 1 a front view. The *near* side
is the person's right: closer to the viewer in profile, on the left in a front view.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = [
    "ANKLE",
    "SIDES",
    "Build",
    "Pose",
    "Skeleton",
    "axes",
    "feet_on_floor",
    "plant",
    "random_build",
    "random_pose",
    "reach",
    "skeleton",
    "stand",
]

SIDES = ("near", "far")
ANKLE = 0.035  # how high the ankle is above the sole


@dataclass(frozen=True)
class Build:
    """How a body is proportioned, in body heights; `breadth` 1 is average."""

    breadth: float = 1.0
    thigh: float = 0.245
    shank: float = 0.235
    trunk: float = 0.285
    neck: float = 0.035
    head: float = 0.076
    upper_arm: float = 0.165
    forearm: float = 0.155

    @property
    def arm(self) -> float:
        """Shoulder to hand."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """Hip to ankle."""
        return self.thigh + self.shank

    @property
    def shoulders(self) -> float:
        """Half the distance between the shoulders, seen from the front."""
        return 0.108 * self.breadth

    @property
    def hips(self) -> float:
        """Half the distance between the hip joints, seen from the front."""
        return 0.058 * self.breadth


@dataclass(frozen=True)
class Pose:
    """Joint angles in degrees; all zero stands upright with hanging arms.

    Attributes
    ----------
    lean
        The trunk, from upright towards +x; 180 is upside down.
    nod
        The head, further than the trunk.
    near_arm, far_arm
        (shoulder, elbow): how far the upper arm is raised, forwards in profile and sideways in a
        front view, and how far the elbow bends.
    near_leg, far_leg
        (hip, knee), likewise.
    turn
        0 profile … 1 front view.
    pelvis
        Where the middle of the hips is; None stands the lower foot on the floor.
    """

    lean: float = 0.0
    nod: float = 0.0
    near_arm: tuple[float, float] = (0.0, 0.0)
    far_arm: tuple[float, float] = (0.0, 0.0)
    near_leg: tuple[float, float] = (0.0, 0.0)
    far_leg: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.2
    pelvis: tuple[float, float] | None = None


@dataclass(frozen=True)
class Skeleton:
    """Where the joints are: pelvis, chest, head and, near and far, shoulder … toe.

    `joints` maps names such as ``"near_elbow"`` to float arrays, (2,); `tilt` is the head's lean
    in degrees.
    """

    build: Build
    turn: float
    tilt: float
    joints: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one joint."""
        return self.joints[name]

    def moved(self, **joints: np.ndarray) -> Skeleton:
        """Return the skeleton with these joints elsewhere."""
        new = {name: np.asarray(point, dtype=float) for name, point in joints.items()}
        return replace(self, joints={**self.joints, **new})

    @property
    def mouth(self) -> np.ndarray:
        """Where the mouth is."""
        across, up = axes(self.tilt)
        size = self.build.head
        profile = 1 - self.turn
        ahead = 0.42 * profile if profile <= 0.35 else 0.74
        return self["head"] + size * (ahead * across - 0.50 * up)


def random_build(rng: np.random.Generator) -> Build:
    """Draw a slim or broad, long- or short-legged body."""
    legs, arms = rng.uniform(0.94, 1.05), rng.uniform(0.97, 1.05)
    breadth, head = float(rng.uniform(0.84, 1.22)), float(rng.uniform(0.072, 0.083))
    lengths = {"thigh": 0.245 * legs, "shank": 0.235 * legs, "trunk": 0.285 * (2 - legs)}
    lengths |= {"upper_arm": 0.165 * arms, "forearm": 0.155 * arms}
    return Build(breadth, head=head, **lengths)


def random_pose(rng: np.random.Generator) -> Pose:
    """Draw any pose a body can take: standing, crouching, reaching, upside down."""

    def arm() -> tuple[float, float]:
        return float(rng.uniform(-30, 175)), float(rng.uniform(0, 130))

    def leg() -> tuple[float, float]:
        hip = float(rng.uniform(-20, 85))
        return hip, float(rng.uniform(0, max(hip, 20) * 1.3))

    lean = rng.uniform(-15, 60) if rng.random() < 0.75 else rng.uniform(160, 200)
    nod = float(rng.uniform(-20, 20))
    return Pose(float(lean), nod, arm(), arm(), leg(), leg(), turn=float(rng.uniform(0, 1)))


def skeleton(build: Build, pose: Pose) -> Skeleton:
    """Return where the joints are when the body takes the pose (forward kinematics)."""
    across, up = axes(pose.lean)
    pelvis = np.zeros(2) if pose.pelvis is None else np.asarray(pose.pelvis, dtype=float)
    chest = pelvis + up * build.trunk
    tilt = pose.lean + pose.nod
    head = chest + axes(tilt)[1] * (build.neck + build.head * 1.1)
    joints = {"pelvis": pelvis, "chest": chest, "head": head}
    wide = 0.22 + 0.78 * pose.turn
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        outward = sign if pose.turn >= 0.5 else 1
        arm, leg = getattr(pose, f"{side}_arm"), getattr(pose, f"{side}_leg")
        shoulder = chest + across * sign * build.shoulders * wide - up * 0.03
        hip = pelvis + across * sign * build.hips * wide
        raised = outward * arm[0] - pose.lean
        lifted = outward * leg[0] - pose.lean
        elbow = shoulder + _along(raised) * build.upper_arm
        hand = elbow + _along(raised + outward * arm[1]) * build.forearm
        knee = hip + _along(lifted) * build.thigh
        shin = lifted - outward * leg[1]
        ankle = knee + _along(shin) * build.shank
        ahead = _along(shin + (90 if pose.turn < 0.5 else sign * 35))
        toe = ankle + ahead * (0.085 if pose.turn < 0.5 else 0.05)
        found = {"shoulder": shoulder, "elbow": elbow, "hand": hand}
        found |= {"hip": hip, "knee": knee, "ankle": ankle, "toe": toe}
        joints |= {f"{side}_{name}": point for name, point in found.items()}
    if pose.pelvis is None:
        ends = ("hand", "ankle", "toe")
        lowest = min(joints[f"{side}_{end}"][1] for side in SIDES for end in ends)
        rise = np.array([0.0, ANKLE - min(lowest, head[1] - build.head)])
        joints = {name: point + rise for name, point in joints.items()}
    return Skeleton(build, pose.turn, tilt, joints)


def _two_bone(
    root: np.ndarray, target: np.ndarray, *, upper: float, lower: float, bend: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle joint and the end of two bones that reach for a target.

    Parameters
    ----------
    root, target : float, (2,)
        Where the first bone starts, and where the second should end.
    upper, lower
        The bones' lengths.
    bend
        +1 puts the middle joint on the left of the way from root to target, −1 on the right.

    Returns
    -------
    middle, end : float, (2,)
        `end` is the target, or the nearest point the bones reach.

    Examples
    --------
    >>> middle, end = _two_bone(np.zeros(2), np.array([1.0, 1.0]), upper=1, lower=1, bend=1)
    >>> middle.round(6).tolist(), end.round(6).tolist()
    ([0.0, 1.0], [1.0, 1.0])
    """
    root, target = np.asarray(root, dtype=float), np.asarray(target, dtype=float)
    way = target - root
    distance = float(np.hypot(*way))
    ahead = way / distance if distance > 1e-9 else np.array([0.0, -1.0])
    distance = float(np.clip(distance, abs(upper - lower) + 1e-6, (upper + lower) * 0.9995))
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    aside = np.sqrt(max(upper**2 - along**2, 0.0)) * bend
    middle = root + ahead * along + np.array([-ahead[1], ahead[0]]) * aside
    return middle, root + ahead * distance


def reach(figure: Skeleton, side: str, *, to: np.ndarray, bend: float | None = None) -> Skeleton:
    """Bring a hand to a point; the elbow bends backwards, or outwards in a front view."""
    if bend is None:
        bend = 1.0 if side == "far" and figure.turn >= 0.5 else -1.0
    build = figure.build
    elbow, hand = _two_bone(
        figure[f"{side}_shoulder"], to, upper=build.upper_arm, lower=build.forearm, bend=bend
    )
    return figure.moved(**{f"{side}_elbow": elbow, f"{side}_hand": hand})


def plant(figure: Skeleton, side: str, *, at: np.ndarray) -> Skeleton:
    """Bring an ankle to a point; the knee bends forwards."""
    bend = -1.0 if side == "near" and figure.turn >= 0.5 else 1.0
    build = figure.build
    knee, ankle = _two_bone(
        figure[f"{side}_hip"], at, upper=build.thigh, lower=build.shank, bend=bend
    )
    if figure.turn < 0.5:
        ahead = 0.085 * _along(90)
    else:
        ahead = np.array([-0.028 if side == "near" else 0.028, -0.012])
    toe = ankle + ahead + np.array([0, -0.012 if figure.turn < 0.5 else 0])
    return figure.moved(**{f"{side}_knee": knee, f"{side}_ankle": ankle, f"{side}_toe": toe})


def stand(build: Build, pose: Pose, *, feet: tuple[float, float], lift: float = 0.0) -> Skeleton:
    """Stand on two feet at x positions `feet`, `lift` above the floor."""
    figure = skeleton(build, pose)
    for side, foot in zip(SIDES, feet, strict=True):
        figure = plant(figure, side, at=np.array([foot, ANKLE + lift]))
    return figure


def feet_on_floor(figure: Skeleton) -> tuple[tuple[float, float], ...]:
    """Return where the feet throw their shadows, and how high above the floor they are."""
    return tuple(
        (float(figure[f"{side}_ankle"][0]) + 0.02, float(figure[f"{side}_ankle"][1]) - ANKLE)
        for side in SIDES
    )


def _along(angle: float) -> np.ndarray:
    """Return the direction `angle` degrees from straight down, towards +x."""
    radians = np.radians(angle)
    return np.array([np.sin(radians), -np.cos(radians)])


def axes(lean: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the across and up directions, (2,) each, of what leans by an angle towards +x."""
    radians = np.radians(lean)
    sin, cos = np.sin(radians), np.cos(radians)
    return np.array([cos, -sin]), np.array([sin, cos])
