import pytest

from chainrep.errors import InputError
from rag.source.rate_limit import RateLimit, client_at


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
