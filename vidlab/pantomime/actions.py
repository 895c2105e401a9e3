"""The twelve classes, and which function, evidence and framing each drawn one has.

An action is a function of progress (0 at the clip's first frame, 1 at its last) and, where it
repeats itself, of seconds. The second class of each reversed pair has no function of its own: it is
the first one's frames from the last to the first.
"""

from __future__ import annotations

from vidlab.pantomime.exercises import handstand_pushups, handstand_walking, jumping_jack
from vidlab.pantomime.motion import ARMS, LEGS, Action
from vidlab.pantomime.playing import brushing_teeth, playing_cello, playing_flute
from vidlab.pantomime.reversible import open_door, pick_up, sit_down

__all__ = ["ACTIONS", "CLASSES", "REVERSED_PAIRS"]

CLASSES = (
    "BrushingTeeth",
    "CloseDoor",
    "HandstandPushups",
    "HandstandWalking",
    "JumpingJack",
    "OpenDoor",
    "PickUp",
    "PlayingCello",
    "PlayingFlute",
    "PutDown",
    "SitDown",
    "StandUp",
)
REVERSED_PAIRS = (("OpenDoor", "CloseDoor"), ("PickUp", "PutDown"), ("SitDown", "StandUp"))
ACTIONS = {
    "OpenDoor": Action(open_door, ("near_arm",), ("door",), at_wall=True),
    "PickUp": Action(pick_up, ARMS, ("box",)),
    "SitDown": Action(sit_down, LEGS, ("chair",)),
    "JumpingJack": Action(jumping_jack, (*ARMS, *LEGS)),
    "HandstandPushups": Action(handstand_pushups, ARMS),
    "HandstandWalking": Action(handstand_walking, (*ARMS, *LEGS)),
    "PlayingCello": Action(playing_cello, ARMS, ("cello", "bow")),
    "BrushingTeeth": Action(brushing_teeth, ("near_arm",), ("toothbrush", "foam", "cup"), cut=0.44),
    "PlayingFlute": Action(playing_flute, ARMS, ("flute",), cut=0.44),
}
