"""Every rule, planned on honeypots and measured on other jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.lsh.allocation import allocate, optimistic_gain, price_index
from rag.lsh.cheat_prior import CheatPrior, fit_prior
from rag.lsh.exact_bounds import lower_bound, upper_bound
from rag.lsh.vote_model import VoteModel, estimate_model
from rag.lsh.vote_rule import CAP, VoteRule, fixed, lead, outlook, price_for, priced
from rag.lsh.votes import Verdicts, decide, leads
from scripts.benchmarks.votes.workload import (
    CHEATS,
    HONEST,
    TRUTH,
    Jobs,
    draw_jobs,
    draw_votes,
)

ERROR = 4.2e-4
VOTES = 2.29
"""What rules are planned for: a little under the goal of 5e-4 at 2.3, as estimates are off."""
WIDE_VOTES = 2.4
"""The same with up to MOST votes a job."""
BUDGET = 2.3
FLOORS = (1e-2, 1e-3)
"""The least cheat rate believed of a provider, however good its past."""
HONEYPOTS = 10_000
MOST = 15
GROUPS = 24


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules planned from the honeypots of one seed; ``lead`` is (accept, reject, most votes)."""

    model: VoteModel
    rules: Mapping[str, VoteRule]
    lead: tuple[int, int, int]


def plan(model: VoteModel) -> Plan:
    """Return the rules that err ERROR by the model's own account, or the least for VOTES."""
    rules = {"fixed_3": fixed(3), "fixed_5": fixed(5), "fixed_11": fixed(11)}
    rules |= own_rules(model, VOTES, CAP)
    rules |= {f"{name}_cap_15": rule for name, rule in own_rules(model, WIDE_VOTES, MOST).items()}
    best = leads(model, ERROR, votes=VOTES)
    return Plan(model, rules, (best.accept, best.reject, best.max_votes))


def own_rules(model: VoteModel, votes: float, cap: int) -> dict[str, VoteRule]:
    """The optimal rule and the best lead rule for one model."""
    price = price_for([model], [1.0], ERROR, votes=votes, cap=cap)
    best = leads(model, ERROR, cap, votes=votes)
    return {
        "sequential": priced(model, price, cap),
        "lead": lead(best.accept, best.reject, best.max_votes, model),
    }


def aware(model: VoteModel) -> dict[str, VoteRule]:
    """Rules told of the collusion in ``model``, for no more votes than fixed_5 takes."""
    return {f"{name}_aware": rule for name, rule in own_rules(model, 5.0, MOST).items()}


def honeypots(rng: np.random.Generator) -> VoteModel:
    """Estimate the model from jobs whose truth is known, CAP votes each; other draws than later."""
    known = draw_jobs(TRUTH, HONEYPOTS, CAP, rng)
    return estimate_model(known.votes, known.cheated)


def measure(plans: Plan, jobs: Jobs) -> dict[str, dict[str, Any]]:
    """Run each rule and both allocations over the same votes."""
    found = {name: counts(decide(rule, jobs.votes), jobs) for name, rule in plans.rules.items()}
    budget = int(BUDGET * len(jobs.votes))
    promises = {"allocated": optimistic_gain, "allocated_by_index": price_index}
    for name, promise in promises.items():
        batch = allocate(jobs.votes, plans.model, budget, error=ERROR, promise=promise)
        found[name] = counts(batch.verdicts, jobs)
        found[name] |= {"rounds": batch.rounds, "expected_error": batch.expected_error}
    return found


def counts(verdicts: Verdicts, jobs: Jobs) -> dict[str, Any]:
    """Votes and wrong verdicts, guesses on undecided jobs included."""
    wrong = verdicts.cheated != jobs.cheated
    return {
        "jobs": len(wrong),
        "votes": int(verdicts.used.sum()),
        "wrong": int(wrong.sum()),
        "cheats": int(jobs.cheated.sum()),
        "cheats_accepted": int((wrong & jobs.cheated).sum()),
        "undecided": int(verdicts.undecided.sum()),
    }


def pooled(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of one rule over all seeds; intervals are exact, 95 % on both sides together."""
    total = {key: sum(row[key] for row in rows) for key in ("jobs", "votes", "wrong", "cheats")}
    accepted = sum(row["cheats_accepted"] for row in rows)
    undecided = sum(row["undecided"] for row in rows)
    return {
        "mean_verifiers": round(total["votes"] / total["jobs"], 4),
        "error": total["wrong"] / total["jobs"],
        "error_interval": [
            lower_bound(total["wrong"], total["jobs"], 0.975),
            upper_bound(total["wrong"], total["jobs"], 0.975),
        ],
        "mean_verifiers_per_seed": [round(row["votes"] / row["jobs"], 4) for row in rows],
        "error_per_seed": [row["wrong"] / row["jobs"] for row in rows],
        "cheats_accepted": accepted / max(total["cheats"], 1),
        "honest_rejected": (total["wrong"] - accepted) / (total["jobs"] - total["cheats"]),
        "undecided": undecided / total["jobs"],
    } | {key: [row[key] for row in rows] for key in ("rounds", "expected_error") if key in rows[0]}


def measure_reputation(
    model: VoteModel, base: VoteRule, rng: np.random.Generator, jobs: int, providers: int
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """The sequential rule with each provider's own prior, on providers that are not alike.

    A provider's past is as many jobs again, with the verdicts that the base-rate rule gave them:
    wrong ones too. The same jobs are then judged by the base-rate rule and by the priors. Also
    returned: the share of cheats accepted from providers that turn.
    """
    rates = rng.beta(CHEATS, HONEST, providers)
    provider = np.arange(jobs, dtype=np.int64) % providers
    past = draw_votes(TRUTH, provider, rates[provider], CAP, rng)
    verdicts = decide(base, past.votes)
    checked = np.bincount(provider, minlength=providers)
    cheats = np.bincount(provider[verdicts.cheated], minlength=providers)
    now = draw_votes(TRUTH, provider, rates[provider], CAP, rng)
    found = {"sequential_same_providers": counts(decide(base, now.votes), now)}
    turned = {}
    for floor in FLOORS:
        prior = fit_prior(cheats, checked, floor)
        group, models = grouped(model, prior, cheats, checked)
        shares = np.bincount(group[provider], minlength=len(models)) / jobs
        price = price_for(models, [float(share) for share in shares], ERROR)
        rules = [priced(its_model, price) for its_model in models]
        verdicts = by_group(rules, group[provider], now.votes)
        found[f"sequential_reputation_floor_{floor:g}"] = counts(verdicts, now)
        for spotless in (0, 100, 100_000):
            believed = replace(model, cheat_rate=prior.after(0, spotless))
            for collusion in (0.0, 0.2):
                name = f"floor_{floor:g}_after_{spotless}_collusion_{collusion:g}"
                turned[name] = accepted_cheats(priced(believed, price), collusion)
    return found, turned


def by_group(
    rules: Sequence[VoteRule], group: NDArray[np.int64], votes: NDArray[np.bool_]
) -> Verdicts:
    """Apply to each job the rule of its group."""
    used = np.zeros(len(votes), dtype=np.int64)
    cheated, undecided = np.zeros(len(votes), np.bool_), np.zeros(len(votes), np.bool_)
    for number, rule in enumerate(rules):
        mine = group == number
        found = decide(rule, votes[mine])
        used[mine], cheated[mine], undecided[mine] = found.used, found.cheated, found.undecided
    return Verdicts(used, cheated, undecided)


def grouped(
    model: VoteModel, prior: CheatPrior, cheats: NDArray[np.int64], checked: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[VoteModel]]:
    """Providers in at most GROUPS groups of a like prior, and the model of each group."""
    pasts = zip(cheats, checked, strict=True)
    after = np.array([prior.after(int(cheat), int(seen)) for cheat, seen in pasts])
    edges = np.quantile(after, np.linspace(0.0, 1.0, GROUPS + 1)[1:-1])
    _, group = np.unique(np.searchsorted(np.unique(edges), after), return_inverse=True)
    means = [float(after[group == number].mean()) for number in range(group.max() + 1)]
    return group, [replace(model, cheat_rate=mean) for mean in means]


def accepted_cheats(rule: VoteRule, collusion: float) -> float:
    """The share of cheats that a rule accepts, exactly: what a provider that turns gets through."""
    truth = replace(TRUTH, collusion=collusion)
    return outlook(rule, truth).cheats_accepted / truth.cheat_rate
