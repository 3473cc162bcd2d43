"""A private RabbitMQ cluster on this machine: three nodes, as many data folders, one epmd, one cookie, one password.

A node that is alone pauses itself, so a minority never answers for the whole; quorum queues go on with the other two.
For tests: nodes are killed, and cut off from the others, on purpose.
"""

import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.broker import PASSWORD_FILE, BrokerFailed, Names, PrivateBroker

SIZE = 3
TOGETHER_SECONDS = 120
POLL_SECONDS = 0.2
TICK = "-kernel net_ticktime 8"  # seconds after which a node that says nothing counts as gone; 60 by default
COOKIE_FILE = ".erlang.cookie"
WRONG_COOKIE = "'not-this-one'"


class PrivateCluster:
    """Three nodes that know each other. Use as a context manager."""

    def __init__(self, folder: Path, *, name: str = "baton") -> None:
        self._folder = folder.resolve()
        self._names = Names(self._folder)
        names = [f"{name}{number}" for number in range(1, SIZE + 1)]
        settings = (
            "cluster_partition_handling = pause_minority",
            "cluster_formation.peer_discovery_backend = classic_config",
            *(
                f"cluster_formation.classic_config.nodes.{place} = {one}@localhost"
                for place, one in enumerate(names, 1)
            ),
        )
        self.nodes: Sequence[PrivateBroker] = [
            PrivateBroker(self._folder / one, name=one, names=self._names, settings=settings, erlang=TICK)
            for one in names
        ]

    @property
    def uri(self) -> str:
        """Where clients connect: the addresses of all nodes, separated by ``;``."""
        return ";".join(node.uri for node in self.nodes)

    def start(self) -> None:
        """Start all nodes and wait until they are together.

        Raises: BrokerFailed, ProgramMissing, StillOwned.
        """
        self._share_secrets()
        try:
            self._names.start()
            self.nodes[0].start()
            with ThreadPoolExecutor(SIZE) as threads:
                list(threads.map(PrivateBroker.start, self.nodes[1:]))
            self.wait_together()
        except BaseException:
            self.kill()
            raise

    def wait_together(self) -> None:
        """Wait until every node sees all the others; one that had paused itself takes its time.

        Raises: BrokerFailed.
        """
        until = time.monotonic() + TOGETHER_SECONDS
        for node in self.nodes:
            while not self._sees_all(node):
                if time.monotonic() > until:
                    raise BrokerFailed(f"{node.node} does not see all others; see {self._folder}")
                time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End everything politely, else by force."""
        with ThreadPoolExecutor(SIZE) as threads:
            list(threads.map(PrivateBroker.stop, self.nodes))
        self._names.kill()

    def kill(self) -> None:
        """End everything with SIGKILL."""
        for node in self.nodes:
            node.kill()
        self._names.kill()

    def separate(self, node: PrivateBroker) -> None:
        """Cut a node off from the others: it forgets their cookie, so that no connection between them succeeds.

        Raises: BrokerFailed.
        """
        others = [other.node for other in self.nodes if other is not node]
        forget = [
            f"erlang:set_cookie('{other}', {WRONG_COOKIE}), erlang:disconnect_node('{other}')" for other in others
        ]
        node.rabbitmqctl("eval", f"{', '.join(forget)}.")

    def join(self, node: PrivateBroker) -> None:
        """End what `separate` did and wait until all are together again.

        Raises: BrokerFailed.
        """
        others = [other.node for other in self.nodes if other is not node]
        remember = [f"erlang:set_cookie('{other}', erlang:get_cookie()), net_adm:ping('{other}')" for other in others]
        node.rabbitmqctl("eval", f"{', '.join(remember)}.")
        self.wait_together()

    def leader_of(self, queue: str, vhost: str) -> PrivateBroker:
        """The node that leads a queue; right after a fault one has to be elected.

        Raises: BrokerFailed when there is none for long, or no such queue.
        """
        until = time.monotonic() + TOGETHER_SECONDS
        while time.monotonic() < until:
            leader = next((name for node in self.nodes if (name := self._leader_seen_by(node, queue, vhost))), None)
            for one in self.nodes:
                if one.node == leader:
                    return one
            time.sleep(POLL_SECONDS)
        raise BrokerFailed(f"nobody leads {queue}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @staticmethod
    def _sees_all(node: PrivateBroker) -> bool:
        try:
            node.rabbitmqctl("await_online_nodes", str(SIZE), "--timeout", "5")
        except BrokerFailed:  # also while it pauses itself
            return False
        return True

    @staticmethod
    def _leader_seen_by(node: PrivateBroker, queue: str, vhost: str) -> str | None:
        try:
            lines = node.rabbitmqctl("list_queues", "-p", vhost, "--quiet", "name", "leader").splitlines()
        except BrokerFailed:
            return None
        return dict(line.split("\t") for line in lines if line.count("\t") == 1).get(queue)

    def _share_secrets(self) -> None:
        """The same cookie and the same password for every node, made once: their data began with them."""
        for name in (COOKIE_FILE, PASSWORD_FILE):
            secret = next((path.read_text() for path in self._folder.glob(f"*/{name}")), secrets.token_hex(20))
            for node in self.nodes:
                path = self._folder / node.node.partition("@")[0] / name
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    path.touch(mode=0o600)
                    path.write_text(secret)
                    path.chmod(0o400)
