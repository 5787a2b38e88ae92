from __future__ import annotations

import json

import pytest

from chainrep.errors import InputError
from chainrep.reputation.formula import Formula, formula_hash, read_formula, write_formula

FORMULA = Formula(("0xaa", "0xbb"))


def test_a_formula_is_read_back_from_its_text():
    assert read_formula(write_formula(FORMULA)) == FORMULA


def test_every_number_and_every_seed_changes_the_hash():
    others = [
        Formula(("0xaa",)),
        Formula(("0xaa", "0xbc")),
        Formula(FORMULA.seeds, stop=1),
        Formula(FORMULA.seeds, half_life=1),
        Formula(FORMULA.seeds, caps=(1, 2, 3, 4, 5)),
    ]
    assert len({formula_hash(formula) for formula in (FORMULA, *others)}) == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"seeds": ()},
        {"seeds": ("b", "a")},
        {"seeds": ("a", "a")},
        {"seeds": ("",)},
        {"seeds": (1,)},
        {"seeds": ("\ud800",)},
        {"seeds": ("a" * 257,)},
        {"stop": 0},
        {"stop": 2**16},
        {"stop": 0.5},
        {"stop": True},
        {"half_life": 0},
        {"caps": ()},
        {"caps": (1, 2, 3, 4, 5, 6)},
        {"caps": (2, 1)},
        {"caps": (1, 2, 3, 4, 2**16 + 1)},
        {"name": "another"},
    ],
)
def test_a_formula_out_of_its_range_is_refused(fields):
    with pytest.raises(InputError):
        Formula(**({"seeds": ("a",)} | fields))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"null", b"\xff", b"{" * 200_000,
     write_formula(FORMULA).replace(b"0xaa", b"\\ud800"), write_formula(FORMULA) + b" ",
     json.dumps(json.loads(write_formula(FORMULA)) | {"more": 1}).encode()],
)  # fmt: skip
def test_what_is_no_formula_in_its_one_form_is_refused(text):
    with pytest.raises(InputError):
        read_formula(text)
