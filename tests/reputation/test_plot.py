"""Pictures: who is in them, that they are the same each time, and what cannot be drawn."""

import sys
import xml.etree.ElementTree as Tree
from dataclasses import replace

import numpy as np
import pytest

from chainrep.errors import ConfigError, InputError
from chainrep.reputation.attacks import Plan, parallel
from chainrep.reputation.formula import Formula
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.plot import (
    MAX_NODES,
    Mark,
    Scene,
    check_plot,
    draw_attack,
    draw_graph,
    short_name,
    shown_accounts,
    shown_links,
)
from chainrep.reputation.public_score import score_accounts

SIZE = 300


def town():
    """Everybody trusts the ten after him, and a few trust at random."""
    rng = np.random.default_rng(7)
    pairs = {(u, (u + d) % SIZE) for u in range(SIZE) for d in range(1, 11)}
    pairs |= {
        tuple(pair) for pair in rng.integers(0, SIZE, (300, 2)).tolist() if pair[0] != pair[1]
    }
    rater, ratee = np.array(sorted(pairs)).T
    weight = rng.integers(1, 1_000, len(rater))
    return build_graph([f"n{i:03}" for i in range(SIZE)], make_links(rater, ratee, weight))


@pytest.fixture(scope="module")
def attacked():
    graph = town()
    formula = Formula(("n000", "n100"))
    before = score_accounts(graph, formula)
    attack = parallel(graph, Plan([5, 6, 7], 60, np.random.default_rng(1)))
    after = score_accounts(attack.graph, formula)
    marks = dict.fromkeys(attack.sybils, Mark.SYBIL) | dict.fromkeys((5, 6, 7), Mark.ATTACKER)
    marks |= {0: Mark.SEED, 100: Mark.SEED}
    return before.scores, Scene(attack.graph, after.scores, marks, frozenset({5, 6}))


def test_a_picture_has_room_for_every_mark_and_for_the_best_accounts(attacked):
    _, scene = attacked
    shown = shown_accounts(scene)
    assert len(shown) == MAX_NODES
    assert list(shown) == sorted(set(shown))
    assert {0, 100, 5, 6, 7} <= set(shown)
    plain = [v for v in shown if v not in scene.marks]
    assert len(plain) == MAX_NODES // 2
    others = set(range(SIZE)) - set(scene.marks) - set(plain)
    assert min(scene.scores[v] for v in plain) >= max(scene.scores[v] for v in others)
    bare = replace(scene, marks={})
    assert set(shown_accounts(bare, 10)) == set(np.argsort(-scene.scores.astype(float))[:10])


def test_links_among_those_shown_are_the_heaviest_and_leave_nobody_out(attacked):
    _, scene = attacked
    shown = shown_accounts(scene)
    links = shown_links(scene.graph, shown)
    assert len(links) == 500
    number = {v: i for i, v in enumerate(shown)}
    out = scene.graph.out
    weights = {
        (number[u], number[int(out.node[i])]): int(out.weight[i])
        for u in shown
        for i in range(out.start[u], out.start[u + 1])
        if int(out.node[i]) in number
    }
    drawn = {tuple(link) for link in links.tolist()}
    assert drawn <= weights.keys()
    first = {v: max(w for (_, b), w in weights.items() if b == v) for _, v in weights}
    assert all(any(weights[a, b] == best for a, b in drawn if b == v) for v, best in first.items())


def texts(path):
    return {"".join(node.itertext()).strip() for node in Tree.parse(path).iter()}  # noqa: S314


def test_a_picture_of_an_attack_tells_who_is_who(attacked, tmp_path):
    before, scene = attacked
    draw_attack(scene, before, "An attack", tmp_path / "a.svg")
    written = texts(tmp_path / "a.svg")
    assert {
        "An attack",
        "seed (2 of 2)",
        "attacker (3 of 3)",
        "found at a bottleneck (2 of 2)",
    } <= written
    assert any(text.startswith("Sybil (") and text.endswith("of 180)") for text in written)


def test_the_same_graph_gives_the_same_picture(attacked, tmp_path):
    _, scene = attacked
    for name in ("one.png", "two.png"):
        draw_graph(scene, "Trust", tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"


def test_a_name_is_drawn_as_it_is_and_one_account_alone_too(tmp_path):
    graph = build_graph([r"$\frac{$"], make_links(*[np.array([], int)] * 3))
    scores = np.array([2**50], np.uint64)
    draw_graph(Scene(graph, scores, {0: Mark.SEED}), r"$\no$ [/math]", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1_000


@pytest.mark.parametrize("name", ["a.txt", "a", "no/a.png"])
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(tmp_path, name):
    with pytest.raises(InputError, match="a"):
        check_plot(tmp_path / name)
    check_plot(tmp_path / "a.svg")


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"chainrep\[plot\]"):
        check_plot(tmp_path / "a.png")


def test_long_names_are_shortened_to_their_ends():
    assert short_name("0x" + "12" * 20) == "0x1212…1212"
    assert short_name("Ann of Ems") == "Ann of Ems"
