import pytest

from rag.scoring.drift import Doubt, DriftAlarm, Fall


def test_a_good_source_that_turns_is_noticed_after_a_few_judgements():
    alarm = DriftAlarm(threshold=4.0)
    assert not any(alarm.observe(1, 0.9, 1.0, 0.0) for _ in range(50))
    seen = [alarm.observe(1, 0.9, 0.0, 1.0) for _ in range(5)]
    assert [found is not None for found in seen].index(True) == 2
    assert seen[2] == Fall(0.0, 3.0, suspected=False), "what it did since it fell"


def test_one_mistake_among_many_right_answers_is_no_drift():
    alarm = DriftAlarm(threshold=4.0)
    outcomes = ([1.0] * 9 + [0.0]) * 30
    assert not any(alarm.observe(1, 0.9, right, 1.0 - right) for right in outcomes)


def test_a_source_that_never_was_good_has_nowhere_to_fall():
    alarm = DriftAlarm(threshold=1.0)
    assert not any(alarm.observe(1, 0.3, 0.0, 1.0) for _ in range(50))


def test_sources_are_watched_apart():
    alarm = DriftAlarm(threshold=4.0)
    for source in range(5):
        assert not alarm.observe(source, 0.9, 0.0, 1.0)


def test_suspicion_is_a_head_start_that_one_mistake_does_not_finish():
    for usual in (0.7, 0.85, 0.99):
        alarm = DriftAlarm(threshold=3.0, mistakes=2.0)
        alarm.suspect(1, 0.5)
        alarm.suspect(1, 0.5)
        assert alarm.observe(1, usual, 0.0, 1.0) is None
        seen = [alarm.observe(1, usual, 0.0, 1.0) for _ in range(2)]
        assert any(found is not None and found.suspected for found in seen)


def test_right_answers_work_a_suspicion_off():
    alarm = DriftAlarm(threshold=3.0)
    alarm.suspect(1, 0.5)
    for _ in range(3):
        assert alarm.observe(1, 0.9, 1.0, 0.0) is None
    seen = [alarm.observe(1, 0.9, 0.0, 1.0) for _ in range(2)]
    assert seen[0] is None
    assert seen[1] is not None
    assert not seen[1].suspected


def test_short_of_an_alarm_a_fall_is_as_probable_as_the_sum_says():
    alarm = DriftAlarm(threshold=3.0, mistakes=2.0)
    assert alarm.doubt(1).probability == 0.0
    alarm.suspect(1, 1.0)
    assert alarm.doubt(1).probability == pytest.approx(0.5, abs=0.03)
    alarm.observe(2, 0.9, 0.0, 1.0)
    once = alarm.doubt(2)
    assert 0.1 < once.probability < 0.3
    assert (once.supported, once.contradicted) == (0.0, 1.0)
    alarm.observe(2, 0.9, 1.0, 0.0)
    assert alarm.doubt(2).probability < once.probability


def test_a_mistake_that_tells_as_much_as_many_is_doubted_at_once_and_soon_forgiven():
    alarm = DriftAlarm(threshold=3.0, mistakes=2.0)
    assert alarm.observe(1, 0.9, 0.0, 1.0, times=50.0) is None
    assert alarm.doubt(1).probability > 0.7
    for _ in range(2):
        alarm.observe(1, 0.9, 1.0, 0.0)
    assert alarm.doubt(1).probability < 0.5
    fallen = DriftAlarm(threshold=3.0, mistakes=2.0)
    fallen.observe(1, 0.9, 0.0, 1.0, times=4.0)
    assert fallen.observe(1, 0.9, 0.0, 1.0, times=4.0) == Fall(0.0, 2.0, suspected=False)


def test_sums_fade_from_when_they_were_last_touched():
    alarm = DriftAlarm(threshold=3.0, half_life=100.0)
    alarm.observe(1, 0.9, 0.0, 1.0, time=1_000.0)
    fresh = alarm.doubt(1, time=1_000.0)
    later = alarm.doubt(1, time=1_100.0)
    assert fresh.contradicted == 1.0
    assert later.contradicted == 0.5
    assert 0.0 < later.probability < fresh.probability
    assert alarm.doubt(1, time=2_000.0) == Doubt(0.0, 0.0, 0.0)


def test_a_suspicion_takes_the_place_of_a_sum_that_has_faded_and_fades_too():
    alarm = DriftAlarm(threshold=3.0, half_life=100.0)
    alarm.observe(1, 0.9, 0.0, 1.0, time=0.0)
    alarm.suspect(1, 0.5, time=300.0)
    suspected = alarm.doubt(1, time=300.0).probability
    assert suspected > 0.1
    assert alarm.doubt(1, time=500.0).probability < suspected / 2
    assert alarm.observe(2, 0.9, 0.0, 1.0, time=300.0) is None
    before = alarm.doubt(2, time=300.0)
    alarm.suspect(2, 0.5, time=300.0)
    assert alarm.doubt(2, time=300.0) == before, "there is more against it anyway"
