"""The twelve classes, and which function, evidence and framing each drawn one has.

An action is a function of progress (0 at the clip's first frame, 1 at its last) and, where it
repeats itself, of seconds. The second class of each reversed pair has no function of its own: it is
the first one's frames from the last to the first.
"""

from __future__ import annotations

from vidlab.data.index import ReversedPair
from vidlab.pantomime.exercises import handstand_pushups, handstand_walking, jumping_jack
from vidlab.pantomime.motion import ARMS, LEGS, Action
from vidlab.pantomime.playing import brushing_teeth, playing_cello, playing_flute
from vidlab.pantomime.reversible import open_door, sit_down, turn_crank

__all__ = ["ACTIONS", "CLASSES", "REVERSED_PAIRS"]

CLASSES = (
    "BrushingTeeth",
    "CloseDoor",
    "CrankBackwards",
    "CrankForwards",
    "HandstandPushups",
    "HandstandWalking",
    "JumpingJack",
    "OpenDoor",
    "PlayingCello",
    "PlayingFlute",
    "SitDown",
    "StandUp",
)
REVERSED_PAIRS = (
    ReversedPair("OpenDoor", "CloseDoor"),
    ReversedPair("SitDown", "StandUp"),
    ReversedPair("CrankForwards", "CrankBackwards", cyclic=True),
)
ACTIONS = {
    "OpenDoor": Action(open_door, ("near_arm",), ("door",), at_wall=True, number=5),
    "CrankForwards": Action(turn_crank, ARMS, ("crank",), cut=0.36, number=6),
    "SitDown": Action(sit_down, LEGS, ("chair",), number=10),
    "JumpingJack": Action(jumping_jack, (*ARMS, *LEGS), number=4),
    "HandstandPushups": Action(handstand_pushups, ARMS, number=2),
    "HandstandWalking": Action(handstand_walking, (*ARMS, *LEGS), number=3),
    "PlayingCello": Action(playing_cello, ARMS, ("cello", "bow"), number=7),
    "BrushingTeeth": Action(
        brushing_teeth, ("near_arm",), ("toothbrush", "foam", "cup"), cut=0.44, number=0
    ),
    "PlayingFlute": Action(playing_flute, ARMS, ("flute",), cut=0.44, number=8),
}
