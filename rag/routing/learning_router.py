"""The router that learns: what is expected, trusted and paid decides whom to ask, and how many."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import RouterError, StateError
from rag.routing.diversity import coverage, select
from rag.routing.estimate import Estimate, Learner
from rag.routing.exploration import explored, lots, room_for_newcomers
from rag.routing.features import QueryFeatures
from rag.routing.overlap import Overlap
from rag.routing.pending import LIMIT, Pending
from rag.routing.trust_bounds import FLOOR, UNKNOWN, below_floor, is_newcomer, trust_bounds
from rag.routing.utility import Worth
from rag.state.arrays import LARGEST, REMEDY, Floats, taken
from rag.state.file import naming, part_of, read_state, write_state
from rag.types import Cost, Reliability

SAVE_EVERY = 20


@dataclass(frozen=True, slots=True)
class Choosing:
    """How many to ask, and when to stop.

    At most ``limit`` (None: all) and at least ``least`` are asked. Beyond ``least`` one more is
    asked only while its expected gain, the doubt that is left times its own chance less what it
    costs, is at least ``gain``. For the first ``trial`` lessons the doubt stays whole: chances that
    rest on so little are not counted on, and all are got to know whom ``limit``, ``floor``, their
    cost and the newcomers' part of the slots do not leave out. A share ``explore`` of all slots
    goes to sources drawn by lot. Sources surely less reliable than ``floor`` are asked by lot
    only, unless there are no others.
    Of those on whom there is little evidence, here and on record, an eighth of ``limit`` and at
    least one is considered, and as many more as no others are left for.
    """

    limit: int | None = None
    least: int = 3
    gain: float = 0.0
    trial: int = 25
    explore: float = 0.05
    floor: float = FLOOR

    def __post_init__(self) -> None:
        if self.least < 1 or (self.limit is not None and self.limit < 1):
            raise RouterError("A router that asks nobody is none.", "Let it ask one at least.")
        if self.trial < 0:
            raise RouterError("A router's trial is below 0.", "Give it a number of lessons.")
        if not (0.0 <= self.explore <= 1.0 and 0.0 <= self.floor <= 1.0):
            raise RouterError("A router's share or floor is out of range.", "Give it 0 to 1.")


@dataclass(frozen=True, slots=True)
class Logged:
    """One logged question, and what the sources asked were worth for it, 0..1."""

    question: str
    rewards: Mapping[int, float]


class LearningRouter:
    """A ``Router`` around a learner: see ``Choosing`` and ``Worth`` for what else counts.

    The last ``pending`` choices wait for their rewards. With ``path`` its state is taken from
    there, and kept there by ``save`` and after every ``SAVE_EVERY`` lessons, so that a kill costs
    at most that many; a file that is damaged or of another learner raises StateError, unless
    ``fresh`` says to ignore what is there. The same lessons, seed and keys give the same choices.
    It may be used from several threads; one file belongs to one router.
    """

    def __init__(
        self,
        learner: Learner,
        features: QueryFeatures,
        *,
        choosing: Choosing | None = None,
        worth: Worth | None = None,
        seed: int = 0,
        pending: int = LIMIT,
        path: Path | None = None,
        fresh: bool = False,
    ) -> None:
        self._learner = learner
        self._features = features
        self._choosing = choosing or Choosing()
        self._worth = worth or Worth()
        self._seed = seed
        self._path = path
        self._overlap = Overlap()
        self._pending = Pending(features.dimensions, pending)
        self._lessons = 0
        self._unsaved = 0
        self._lock = threading.Lock()
        if path is not None and not fresh and path.exists():
            with naming(path):
                self._restore(path)

    def choose(
        self,
        key: str,
        question: str,
        sources: Sequence[int],
        known: Mapping[int, Reliability],
        costs: Mapping[int, Cost],
    ) -> tuple[int, ...]:
        """Return the ids to ask, ascending; they wait under ``key`` for ``learn``."""
        ids = sorted(set(sources))
        if not ids:
            return ()
        features = self._features.of(question)
        draw = lots(self._seed, key)
        shunned = below_floor(ids, known, self._choosing.floor)
        fit = [s for s in ids if s not in shunned] or ids
        with self._lock:
            estimate = self._learner.estimate(features, fit, draw)
            picked = self._pick(estimate, fit, known, costs, draw)
            chosen = tuple(sorted(explored(picked, ids, self._choosing.explore, draw)))
            self._pending.put(key, features, chosen)
        return chosen

    def learn(self, key: str, rewards: Mapping[int, float], *, gold: bool = False) -> None:
        """Take what sources of an earlier choice were worth, 0..1, each once; ignore the rest.

        Gold takes the place of what was learned from anybody's word before, and stays.
        Raises RouterError for a reward out of range, StateError where the state cannot be kept.
        """
        _checked(rewards)
        with self._lock:
            lesson = self._pending.take(key, rewards, gold=gold)
            if lesson is None or not (lesson.rewards or lesson.replaced):
                return
            if lesson.rewards:
                self._learner.learn(lesson.features, lesson.rewards)
                self._lessons += 1
            if lesson.replaced:
                self._learner.amend(lesson.features, lesson.replaced)
            self._unsaved += 1
            if self._path is not None and self._unsaved >= SAVE_EVERY:
                self._save(self._path)

    def warm_start(self, log: Iterable[Logged]) -> None:
        """Learn from questions that others asked; raises RouterError for rewards out of range.

        A question without rewards teaches nothing and is no lesson.
        """
        for entry in log:
            _checked(entry.rewards)
            if not entry.rewards:
                continue
            features = self._features.of(entry.question)
            with self._lock:
                self._learner.learn(features, entry.rewards)
                self._lessons += 1

    def saw(self, given: Mapping[int, Set[Hashable]]) -> None:
        """Take the passages (or digests) that sources gave to one question, to see who overlaps."""
        with self._lock:
            self._overlap.learn(given)

    def save(self) -> None:
        """Keep the state in the file now, if it was given one; raises StateError."""
        if self._path is None:
            return
        with self._lock:
            self._save(self._path)

    def _pick(
        self,
        estimate: Estimate,
        sources: Sequence[int],
        known: Mapping[int, Reliability],
        costs: Mapping[int, Cost],
        draw: np.random.Generator,
    ) -> list[int]:
        setting, worth = self._choosing, self._worth
        lower = trust_bounds(sources, known).lower
        lost = worth.lost(sources, costs)
        limit = len(sources) if setting.limit is None else setting.limit
        hopes = worth.trusted(estimate.hopeful, lower)
        new = estimate.new & np.array([is_newcomer(known.get(s, UNKNOWN)) for s in sources])
        admitted = _admitted(new, hopes - lost, limit, draw)
        hopeful = hopes[admitted]
        expected = worth.trusted(estimate.mean, lower)[admitted]
        ids = [sources[n] for n in admitted]
        cover = coverage(hopeful, self._overlap.among(ids))
        picked: list[int] = []
        doubt = 1.0
        for place, gain in select(cover, limit, lost[admitted]):
            spent = float(lost[admitted[place]])
            if len(picked) >= setting.least and doubt * gain - spent < setting.gain:
                break
            picked.append(ids[place])
            if self._lessons < setting.trial:
                continue
            # Of a source's own chance counts the part that the others did not have already.
            new_part = gain / hopeful[place] if hopeful[place] > 0.0 else 0.0
            doubt *= 1.0 - min(expected[place] * new_part, 1.0)
        return picked

    def _save(self, path: Path) -> None:
        parts = {
            "learner": self._learner.state(),
            "overlap": self._overlap.state(),
            "pending": self._pending.state(),
            "trial": {"lessons": np.array([self._lessons])},
        }
        arrays = {f"{p}.{n}": a for p, state in parts.items() for n, a in state.items()}
        write_state(path, self._learner.name, arrays)
        self._unsaved = 0

    def _restore(self, path: Path) -> None:
        name, arrays = read_state(path)
        if name != self._learner.name:
            raise StateError(f"{path} was not learned by {self._learner.name}.", REMEDY)
        self._learner.restore(part_of(arrays, "learner"))
        self._overlap.restore(part_of(arrays, "overlap"))
        self._pending.restore(part_of(arrays, "pending"))
        lessons = taken(part_of(arrays, "trial"), "lessons", np.int64, (1,), most=LARGEST)
        self._lessons = int(lessons[0])


def _admitted(
    new: NDArray[np.bool_], worth: Floats, limit: int, draw: np.random.Generator
) -> list[int]:
    """Return the places that are compared: of newcomers no more than there is room for.

    Hope alone would let any number of fresh registrations push out who has shown something.
    """
    proven, newcomers = np.flatnonzero(~new), np.flatnonzero(new)
    room = max(room_for_newcomers(limit, draw), limit - len(proven))
    best = newcomers[np.argsort(-worth[newcomers], kind="stable")][:room]
    return sorted([*proven.tolist(), *best.tolist()])


def _checked(rewards: Mapping[int, float]) -> None:
    if not all(math.isfinite(r) and 0.0 <= r <= 1.0 for r in rewards.values()):
        raise RouterError("A reward is not between 0 and 1.", "Give each source's part of it.")
