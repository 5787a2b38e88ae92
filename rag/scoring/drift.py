"""Sources that used to be good: a one-sided CUSUM on each (Page, "Continuous inspection
schemes", Biometrika 1954).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_BEST = 0.95


@dataclass(slots=True)
class DriftAlarm:
    """Sums up how much better a fallen reliability explains what a source did than its usual one.

    The fallen reliability is ``fall`` × the usual one. The alarm goes off when a sum, in nats,
    passes ``threshold``; the source starts at 0 again then. A source whose usual reliability is
    under ``floor`` has nowhere to fall.
    """

    threshold: float = 4.0
    fall: float = 0.5
    floor: float = 0.5
    _sums: dict[int, float] = field(default_factory=dict)

    def observe(self, source: int, usual: float, supported: float, contradicted: float) -> bool:
        """Take evidence on one source; tell whether it has fallen.

        ``usual`` (0..1) is its reliability as it was estimated before this evidence.
        """
        if usual < self.floor:
            self._sums.pop(source, None)
            return False
        before = min(usual, _BEST)
        after = before * self.fall
        gain = supported * math.log(after / before)
        gain += contradicted * math.log((1.0 - after) / (1.0 - before))
        total = max(0.0, self._sums.get(source, 0.0) + gain)
        alarmed = total > self.threshold
        self._sums[source] = 0.0 if alarmed else total
        return alarmed
