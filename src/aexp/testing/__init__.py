"""The contract suites that every transport passes, for whoever writes one; they need pytest.

:class:`~aexp.testing.queue_contract.QueueContract` holds the promises of the storage port, and
:class:`~aexp.testing.relay_contract.RelayContract` what a client sees of a served queue. A test module makes
a subclass of each, with one fixture that gives the transport's storages, and pytest does the rest::

    class TestLab(QueueContract):
        @pytest.fixture
        def storages(self, tmp_path):
            return lambda: open_queue(f"lab://{tmp_path}", SystemClock())

The plugin ``aexp.testing.matrix`` prints which transport keeps which promise.
"""

import pytest

# Before they are imported: a broken promise is then told with the values that broke it.
pytest.register_assert_rewrite(
    *(f"aexp.testing.queue_{part}" for part in ("contract", "names", "races", "waits")),
    "aexp.testing.relay_contract",
)

from aexp.testing.contract import Place, in_threads  # noqa: E402
from aexp.testing.queue_contract import QueueContract  # noqa: E402
from aexp.testing.relay_contract import RelayContract  # noqa: E402
from aexp.testing.served import ServedQueue  # noqa: E402

__all__ = ["QueueContract", "RelayContract", "Place", "ServedQueue", "in_threads"]
