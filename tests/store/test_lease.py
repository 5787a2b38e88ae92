import pytest

from chainrep.errors import StoreBusy, StoreError
from chainrep.store.db import open_store, transaction
from chainrep.store.lease import Holder, Lease

LEDGER = "eip155:1:0xledger"


class Clock:
    now = 1_000_000

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dead():
    return set()


@pytest.fixture
def lease_of(tmp_path, clock, dead):
    def lease(pid, ledger=LEDGER):
        db = open_store(tmp_path / "store.sqlite")
        return Lease(db, ledger, Holder(pid, "then"), lambda h: h.pid not in dead, clock, 60)

    return lease


def test_the_second_relayer_of_a_store_is_told_who_is_at_work(lease_of):
    lease_of(1).take()
    with pytest.raises(StoreBusy, match="process 1"):
        lease_of(2).take()


def test_taking_it_again_renews_it(lease_of, clock):
    first = lease_of(1)
    first.take()
    clock.now += 59
    first.take()
    clock.now += 59
    with pytest.raises(StoreBusy):
        lease_of(2).take()


def test_two_relayers_in_one_program_exclude_each_other(lease_of):
    lease_of(1).take()
    with pytest.raises(StoreBusy):
        lease_of(1).take()


def test_every_ledger_has_a_lease_of_its_own(lease_of):
    lease_of(1).take()
    lease_of(2, "eip155:2:0xledger").take()


def test_a_lease_given_back_is_free(lease_of):
    first = lease_of(1)
    first.take()
    first.release()
    lease_of(2).take()


def test_the_lease_of_a_dead_program_is_free_at_once(lease_of, dead):
    lease_of(1).take()
    dead.add(1)
    lease_of(2).take()


def test_the_lease_of_a_program_that_hangs_ends(lease_of, clock):
    lease_of(1).take()
    clock.now += 60
    lease_of(2).take()


def test_a_clock_that_was_set_back_does_not_prolong_a_lease(lease_of, clock):
    lease_of(1).take()
    clock.now -= 1
    lease_of(2).take()


def renew(lease):
    with transaction(lease.db):
        lease.renew()


def test_a_durable_step_after_the_lease_was_lost_is_refused(lease_of, clock):
    first, second = lease_of(1), lease_of(2)
    first.take()
    renew(first)
    clock.now += 60
    second.take()
    with pytest.raises(StoreBusy, match="taken over"):
        renew(first)
    renew(second)


def test_whoever_lost_a_lease_does_not_give_back_anothers(lease_of, clock):
    first, second = lease_of(1), lease_of(2)
    first.take()
    clock.now += 60
    second.take()
    first.release()
    with pytest.raises(StoreBusy):
        lease_of(3).take()


def test_a_step_that_fails_takes_its_renewal_back(lease_of, clock):
    lease = lease_of(1)
    lease.take()
    clock.now += 30
    with pytest.raises(StoreError, match="nonsense"):
        renew_and_fail(lease)
    clock.now += 30
    lease_of(2).take()


def renew_and_fail(lease):
    with transaction(lease.db):
        lease.renew()
        lease.db.execute("SELECT nonsense")
