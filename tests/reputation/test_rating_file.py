"""Files of ratings: what is read from them, and one sentence for what cannot be."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.line_file import read_lines
from chainrep.reputation.rating_columns import RatingColumns
from chainrep.reputation.rating_file import BYTES_PER_RATING, read_ratings

NOW = 2_000_000_000


def rows(ratings):
    return [
        (ratings.accounts[u], ratings.accounts[v], amount, time)
        for u, v, amount, time in zip(
            ratings.rater.tolist(), ratings.ratee.tolist(),
            ratings.amount.tolist(), ratings.time.tolist(), strict=True,
        )
    ]  # fmt: skip


def read(tmp_path, content, **options):
    path = tmp_path / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_ratings(path, NOW, **options)


def refused(tmp_path, content, *expected, **options):
    with pytest.raises(InputError) as caught:
        read(tmp_path, content, **options)
    assert caught.value.remedy
    for text in (str(tmp_path / "ratings.csv"), *expected):
        assert text in str(caught.value)


def test_a_csv_file_of_four_columns_is_read_in_hundredths_and_whole_seconds(tmp_path):
    found = read(
        tmp_path,
        "FROM_NODE,TO_NODE,TRUST_INDEX,TIME_SINCE_EPOCH\n"
        "6,2,4,1289241911.72836\n6,5,-2.505,1289241941\n2,6,1e1,0\n",
    )
    assert found.accounts == ("2", "5", "6")
    assert rows(found) == [
        ("6", "2", 400, 1_289_241_911),
        ("6", "5", -250, 1_289_241_941),
        ("2", "6", 1000, 0),
    ]


@pytest.mark.parametrize("space", [" ", "\t", "  \t"])
def test_an_edge_list_may_have_weights_and_comments(tmp_path, space):
    plain = f"# an edge list\n% of two kinds of comments\n0{space}1\n\n1{space}2\r\n"
    assert rows(read(tmp_path, plain)) == [("0", "1", 100, 0), ("1", "2", 100, 0)]
    weighted = f"0{space}1{space}0.5\n1{space}2{space}3"
    assert rows(read(tmp_path, weighted)) == [("0", "1", 50, 0), ("1", "2", 300, 0)]


def test_names_may_be_quoted_and_have_spaces_and_letters_of_any_kind(tmp_path):
    text = '\ufeff"rater","ratee"\n"Ann, of Ems", "Bert Ö"\n"say ""hi""",Ann\n'
    assert rows(read(tmp_path, text)) == [
        ("Ann, of Ems", "Bert Ö", 100, 0),
        ('say "hi"', "Ann", 100, 0),
    ]


def test_accounts_ascend_whatever_order_they_came_in(tmp_path):
    found = read(tmp_path, "z,é\né,B\nb,z\n")
    assert found.accounts == ("B", "b", "z", "é")
    assert [name.encode() for name in found.accounts] == sorted(n.encode() for n in found.accounts)
    assert rows(found) == [("z", "é", 100, 0), ("é", "B", 100, 0), ("b", "z", 100, 0)]


def test_a_packed_file_reads_like_the_plain_one_and_large_ones_tell_how_far_they_are(tmp_path):
    lines = [f"a{i % 977},b{i % 1013},{i % 21 - 10},{1_000_000 + i}" for i in range(60_000)]
    content = "\n".join(lines).encode()
    seen = []
    plain = rows(read(tmp_path, content, on_progress=lambda done, all_: seen.append((done, all_))))
    assert len(plain) == 60_000
    assert plain[-1] == ("a402", "b232", -800, 1_059_999)
    assert [expected(line) for line in lines] == plain
    assert seen[-1] == (len(content), len(content))
    assert len(seen) > 1
    assert sorted(seen) == seen
    assert rows(read(tmp_path, gzip.compress(content, mtime=0))) == plain


def expected(line):
    rater, ratee, rating, time = line.split(",")
    return rater, ratee, int(rating) * 100, int(time)


names = st.text(st.sampled_from('ab,"é #'), max_size=4)
fields = names | st.sampled_from(["1", "-3.25", "nan", "1e9", "7", "", "99999999999", "x" * 300])
lines = st.lists(st.lists(fields, min_size=1, max_size=5).map(",".join), max_size=5)


@given(lines, lines)
def test_lines_taken_in_at_once_give_what_they_give_one_by_one(first, then):
    def taken(blocks):
        columns = RatingColumns(Path("f"), NOW)
        try:
            for block in blocks:
                columns.add([line.encode() for line in block])
        except InputError as error:
            return str(error)
        return sorted(rows(columns.ratings())) if columns.rater else []

    assert taken([first, then]) == taken([[line] for line in first + then])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["holds no ratings"]),
        ("# only a comment\n", ["holds no ratings"]),
        ("rater,ratee,rating,time\n", ["holds no ratings"]),
        ("a,b,1\nb,b,1\n", ["line 2", "'b' rates itself"]),
        ("a,b,nan\n", ["line 1", "the rating 'nan'", "-327.67..327.67"]),
        ("a,b,inf\n", ["line 1", "'inf'"]),
        ("a,b,1\nb,c,327.68\n", ["line 2", "'327.68'"]),
        ("a,b,-1e3\n", ["line 1", "'-1e3'"]),
        ("a,b,1_0\n", ["line 1", "'1_0'"]),
        ("a,b,1,2000000001\n", ["line 1", "in the future", "not milliseconds"]),
        ("a,b,1,2000000000000\n", ["line 1", "in the future"]),
        ("a,b,1,yesterday\n", ["line 1", "Unix seconds"]),
        ("a,b,1,-5\n", ["line 1", "'-5'"]),
        ("a,b,1\na,c\n", ["line 2", "2 columns and not 3"]),
        ("a\n", ["line 1", "1 columns and not 2 to 4"]),
        ("a,b,1,2,3\n", ["line 1", "5 columns"]),
        ("a,b\na,\n", ["line 2", "names nobody"]),
        ("a,b\na," + "é" * 200, ["line 2", "400 bytes", "256"]),
        ("a,b\n" + "c" * 5_000 + ",a\n", ["line 2", "longer than 4,096 bytes"]),
        (b"a,b\na,\xff\xfe\n", ["line 2", "UTF-8"]),
        ("a,b\na,c\n".encode("utf-16"), ["line 1", "UTF-8"]),
        (b"a,b\na,c\0d\n", ["line 2", "unprintable"]),
        ('a,b\na,"b\n', ["line 2", "CSV"]),
        (gzip.compress(b"a,b\n" * 999, mtime=0)[:-9], ["incomplete gzip"]),
        (gzip.compress(b"a,b\n", mtime=0)[:10] + b"!" * 40, ["damaged or incomplete gzip"]),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line_and_what_to_do(tmp_path, content, expected):
    refused(tmp_path, content, *expected)


def test_files_that_are_not_there_or_are_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_ratings(tmp_path / "gone", NOW)
    with pytest.raises(InputError, match="cannot be read"):
        read_ratings(tmp_path, NOW)


def test_a_file_too_large_for_the_memory_is_refused_before_it_is_read(tmp_path):
    content = b"100,200,1,1000\n" * 100_000
    seen = []
    refused(
        tmp_path, content, "about 100,000 ratings", "0.0 GB", "Keep fewer",
        room=75_000 * BYTES_PER_RATING, on_progress=lambda done, _: seen.append(done),
    )  # fmt: skip
    assert seen == []
    assert len(read(tmp_path, content, room=101_000 * BYTES_PER_RATING).rater) == 100_000


def test_an_archive_too_large_for_the_memory_is_refused_while_it_is_read(tmp_path):
    packed = gzip.compress(b"100,200,1,1000\n" * 100_000, mtime=0)
    refused(tmp_path, packed, "ratings or more", "Keep fewer", room=75_000 * BYTES_PER_RATING)
    names = "".join(f"{i},{i}x\n" for i in range(20_000)).encode()
    refused(tmp_path, gzip.compress(names, mtime=0), "Keep fewer", room=75_000 * BYTES_PER_RATING)


def test_an_archive_may_not_unpack_to_more_than_it_should(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"#\n" * 2_000_000, mtime=0))
    with pytest.raises(InputError, match="unpacks to more than 3,000,000 bytes"):
        list(read_lines(path, max_unpacked=3_000_000))
    assert sum(map(len, read_lines(path))) == 2_000_000
