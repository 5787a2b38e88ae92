import math
import random

import pytest

from chainrep.protocol.beta import beta_cdf, beta_quantile


@pytest.mark.parametrize(
    ("p", "a", "b", "expected"),
    [  # closed forms: I_x(a, 1) = x^a, I_x(1, b) = 1 - (1 - x)^b, and the symmetric median
        (0.05, 1.0, 1.0, 0.05),
        (0.05, 2.0, 1.0, 0.05**0.5),
        (0.05, 101.0, 1.0, 0.05 ** (1 / 101)),
        (0.05, 1.0, 11.0, 1 - 0.95 ** (1 / 11)),
        (0.5, 7.25, 7.25, 0.5),
    ],
)
def test_quantiles_have_their_known_values(p, a, b, expected):
    assert beta_quantile(p, a, b) == pytest.approx(expected, rel=1e-6)


def test_the_distribution_is_the_binomials_tail():
    rng = random.Random(5)  # noqa: S311 (tests need no secrecy)
    for _ in range(200):
        a, b, x = rng.randint(1, 60), rng.randint(1, 60), rng.uniform(0.01, 0.99)
        n = a + b - 1
        tail = math.fsum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1))
        assert beta_cdf(x, a, b) == pytest.approx(tail, rel=1e-9)


def test_with_very_much_evidence_the_quantile_is_still_right():
    rng = random.Random(7)  # noqa: S311 (tests need no secrecy)
    for _ in range(50):
        a, b = (1e6 + 10 ** rng.uniform(3, 7) for _ in range(2))
        assert beta_cdf(beta_quantile(0.05, a, b), a, b) == pytest.approx(0.05, rel=1e-3)


def test_the_quantile_inverts_the_distribution():
    rng = random.Random(6)  # noqa: S311 (tests need no secrecy)
    for _ in range(200):
        p, a, b = rng.uniform(0.01, 0.99), 1 + rng.expovariate(0.01), 1 + rng.expovariate(0.01)
        assert beta_cdf(beta_quantile(p, a, b), a, b) == pytest.approx(p, rel=1e-9)
    assert (beta_cdf(0, 2, 3), beta_cdf(1, 2, 3)) == (0, 1)


def test_more_evidence_of_the_same_share_raises_the_bound_towards_it():
    bounds = [beta_quantile(0.05, 9 * n + 1, n + 1) for n in (1, 10, 100, 10_000, 1_000_000)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(0.9, abs=1e-3)
