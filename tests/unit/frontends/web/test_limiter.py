"""Limits by client and in all."""

from __future__ import annotations

from massager_ctl.frontends.web.limiter import BURST, CLIENTS_MAX, RATE, Limiter


def test_a_burst_and_then_a_rate_for_each_client() -> None:
    limiter = Limiter(0.0)
    assert (limiter.in_flight, limiter.watchers) == (0, 0)
    assert sum(limiter.allow("a", 0.0) for _ in range(1000)) == BURST
    assert limiter.allow("b", 0.0)
    assert sum(limiter.allow("a", 1.0) for _ in range(1000)) == RATE
    assert sum(limiter.allow("a", 1e6) for _ in range(1000)) == BURST, (
        "a long rest saves up no more"
    )


def test_tries_to_pair_are_counted_over_everybody() -> None:
    limiter = Limiter(0.0)
    assert sum(limiter.allow_pairing(0.0) for _ in range(100)) == 5
    assert not limiter.allow_pairing(1.9)
    assert limiter.allow_pairing(2.0)


def test_clients_without_end_do_not_fill_the_memory() -> None:
    limiter = Limiter(0.0)
    for number in range(CLIENTS_MAX + 50):
        limiter.allow(str(number), 0.0)
    assert len(limiter._clients) == CLIENTS_MAX
