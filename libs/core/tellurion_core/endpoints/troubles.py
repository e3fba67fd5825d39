"""What can go wrong with one request, by what is to be done about it.

Trouble
├── Refused        asking again would be answered alike: give up
│   └── Unwelcome  and so would any other question
├── Failed         may go well another time: ask again, a few times
│   └── TimedOut   perhaps the endpoint is asked too much at once
└── Busy           not now: wait, longer and more often than for a failure
"""

from __future__ import annotations


class Trouble(Exception):
    """One request that gave no answer; the reason is in words that many questions share."""

    def __init__(self, reason: str, *, paid: bool = False, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.paid = paid
        """Whether the endpoint may have counted tokens for it."""
        self.after = after
        """Seconds that the endpoint asks to wait, if it does."""


class Refused(Trouble):
    """The endpoint will have none of this question."""


class Unwelcome(Refused):
    """The endpoint, or our allow-list, will have none of our questions: a wrong key, path or model, no money left."""


class Failed(Trouble):
    """The answer did not come, or cannot be read."""


class TimedOut(Failed):
    """The answer did not come in time."""


class Busy(Trouble):
    """The endpoint takes no questions now, or cannot be reached."""
