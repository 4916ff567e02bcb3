"""What the store hands out about budgets: plain values. Money is nano-units of the currency beside it."""

from __future__ import annotations

from msgspec import Struct

from lib.budgets import Budget, Verdict, verdict


class Charge(Struct, frozen=True):
    """What a request may cost: probably `nano`, at most `high_nano`; both None when the price is unknown.

    `override` lets this one message through a budget that would stop it; that is written down.
    """

    nano: int | None = None
    high_nano: int | None = None
    currency: str = "USD"
    override: bool = False


class Kept(Struct, frozen=True):
    """A budget in the store. One that is not `active` neither warns nor stops.

    `budget.subject` is the public id of the conversation or gateway that it is for.
    """

    public_id: str
    budget: Budget
    active: bool
    created_ms: int
    changed_ms: int


class Standing(Struct, frozen=True):
    """Where a budget stands in its window [from_ms, to_ms).

    `spent_nano` are the known costs, estimated ones at their high end, and `uncertain_nano` within it: what requests
    that ended without a known cost had reserved. `held_nano` is reserved by what runs now. `n_unpriced` requests of
    the window have no known cost.
    """

    kept: Kept
    from_ms: int
    to_ms: int | None
    spent_nano: int
    held_nano: int
    uncertain_nano: int
    n_unpriced: int

    @property
    def verdict(self) -> Verdict:
        """What the budget would say to a request that costs nothing: where it stands now."""
        return verdict(self.kept.budget, self.spent_nano, self.held_nano, 0)


class Override(Struct, frozen=True):
    """A message that was sent although a budget said stop; amounts as they were then.

    `conversation` and `message` are None when they are gone, or were never stored.
    """

    id: int
    at_ms: int
    budget: str
    scope: str
    limit_nano: int
    spent_nano: int
    held_nano: int
    estimate_nano: int | None
    over_nano: int
    currency: str
    gateway_id: int
    model: str
    conversation: str | None = None
    message: str | None = None
