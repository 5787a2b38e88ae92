import pytest

from chainrep.errors import InputError
from rag.source.rate_limit import RateLimit, client_at, client_behind, read_proxy


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_client_may_search_in_a_burst_and_then_at_its_rate():
    clock = Clock()
    limit = RateLimit(5.0, clock)
    assert [limit.take("a") for _ in range(10)] == [0.0] * 10
    assert limit.take("a") == pytest.approx(0.2)
    clock.now += 0.21
    assert limit.take("a") == 0.0
    assert limit.take("a") > 0.0
    clock.now += 3_600
    assert [limit.take("a") for _ in range(11)].count(0.0) == 10


def test_one_client_does_not_use_up_what_another_may():
    limit = RateLimit(0.5, Clock())
    assert limit.take("a") == 0.0
    assert limit.take("a") == pytest.approx(2.0)
    assert limit.take("b") == 0.0


def test_the_table_of_clients_is_bounded_and_forgets_the_most_silent():
    limit = RateLimit(0.5, Clock(), clients=3)
    for client in "abcd":
        limit.take(client)
    assert limit.take("d") > 0.0
    assert limit.take("a") == 0.0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(InputError):
        RateLimit(rate, Clock())


def test_a_client_is_an_ipv4_address_or_a_network_of_ipv6():
    assert client_at("192.0.2.7") == "192.0.2.7"
    assert client_at("::ffff:192.0.2.7") == "192.0.2.7"
    assert client_at("2001:db8::1") == client_at("2001:db8::ffff:1%eth0")
    assert client_at("2001:db8::1") != client_at("2001:db8:0:1::1")
    assert client_at("") == client_at("no address") == "unknown"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.1", ["203.0.113.5, 198.51.100.7"], "198.51.100.7"),
        ("192.0.2.1", ["203.0.113.5", "203.0.113.6,  198.51.100.7 "], "198.51.100.7"),
        ("::ffff:192.0.2.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.1", ["2001:db8::1"], "2001:db8::/64"),
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.5, nobody"], "unknown"),
        ("192.0.2.2", ["198.51.100.7"], "192.0.2.2"),  # who comes past the proxy is not believed
        ("", ["198.51.100.7"], "unknown"),
    ],
)
def test_only_the_trusted_proxy_says_who_asks_and_only_by_its_own_entry(peer, forwarded, client):
    assert client_behind("192.0.2.1", peer, forwarded) == client


def test_without_a_trusted_proxy_no_header_is_believed():
    assert client_behind("", "192.0.2.1", ["198.51.100.7"]) == "192.0.2.1"
    assert client_behind("", "", ["198.51.100.7"]) == "unknown"


def test_a_proxy_is_one_address():
    assert read_proxy("") == ""
    assert read_proxy("::ffff:192.0.2.1") == read_proxy("192.0.2.1") == "192.0.2.1"
    assert read_proxy("2001:DB8::0001") == "2001:db8::1"
    for text in ("localhost", "10.0.0.0/8", "192.0.2.1:80"):
        with pytest.raises(InputError, match="no address"):
            read_proxy(text)
