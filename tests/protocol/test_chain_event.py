import pytest
from eth_abi.abi import encode
from eth_utils.abi import event_abi_to_log_topic

from chainrep.chain.artifact import load_artifact
from chainrep.errors import InputError
from chainrep.protocol.chain_event import SIGNATURES, name_of, read_values, signature_of

OWNER = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
TOPICS = encode(["uint32", "address"], [7, OWNER])


@pytest.mark.parametrize("contract", SIGNATURES)
def test_the_signatures_are_those_of_the_compiled_contracts(contract):
    events = [entry for entry in load_artifact(contract).abi if entry["type"] == "event"]
    assert len(events) == len(SIGNATURES[contract])
    for entry in events:
        topic = bytes(event_abi_to_log_topic(entry))
        assert signature_of(contract, entry["name"]) == topic
        assert name_of(contract, topic) == entry["name"]


def test_a_topic_that_no_event_has_names_none():
    assert name_of("ScoreLedger", bytes(32)) is None


def test_an_event_is_read_from_its_bytes():
    content = encode(["uint40", "string"], [1_700_000_000, "https://a.example"])
    assert read_values("SourceRegistry", "SourceRegistered", TOPICS, content) == {
        "id": 7, "owner": OWNER, "time": 1_700_000_000, "uri": "https://a.example",
    }  # fmt: skip


def test_a_uri_that_is_no_text_does_not_stop_its_readers():
    content = encode(["uint40", "bytes"], [1, b"https://\xff\xfe"])
    values = read_values("SourceRegistry", "SourceRegistered", TOPICS, content)
    assert values["uri"] == "https://��"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        encode(["uint40"], [1]),
        encode(["uint256", "string"], [2**40, "x"]),
        encode(["uint40", "string"], [1, "x"]) + b"\0",
        encode(["uint40", "string"], [1, "x"])[:-1] + b"\1",
    ],
)
def test_bytes_that_are_not_the_one_encoding_of_an_event_are_refused(content):
    with pytest.raises(InputError, match="SourceRegistered"):
        read_values("SourceRegistry", "SourceRegistered", TOPICS, content)
