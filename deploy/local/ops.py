"""``make ops``: dead letters, and what is needed after a restore, through the services' own APIs, so every act is
audited.

    python -m deploy.local.ops status
    python -m deploy.local.ops letters [service] [--state waiting]
    python -m deploy.local.ops letter SERVICE ID
    python -m deploy.local.ops replay SERVICE (ID | --reason REASON) --note WHY
    python -m deploy.local.ops discard SERVICE ID --note WHY
    python -m deploy.local.ops republish [SERVICE] --since MOMENT --note WHY
    python -m deploy.local.ops lost SERVICE --since MOMENT

``republish`` has every service, or one, say again what it said since a moment (RFC 3339): for hearers that were
restored to it. ``lost`` lists what oversight heard from a service that the service does not remember to have said.
The account is ``OPS_USER`` (operator) with ``OPS_PASSWORD``, by default the demonstration's.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from deploy.local.browsing import SignInFailed
from deploy.local.client import CallFailed, Platform
from deploy.local.stack import SERVICES
from deploy.local.where import password_from_environment, urls_from_environment

PATIENCE_SECONDS = 10.0


class Ops:
    """An operator at the command line."""

    def __init__(self, platform: Platform, username: str, say: Callable[[str], None] = print) -> None:
        self._platform = platform
        self._username = username
        self._say = say

    def status(self) -> None:
        """What is stuck, service by service."""
        for service in SERVICES:
            told = self._get(service, "/ops/status")
            since = f", the oldest since {told['outbox_since']}" if told["outbox_since"] else ""
            self._say(
                f"{service:<22} {told['outbox_rows']} to publish{since}; "
                f"{told['dead_letters_waiting']} dead letters wait"
            )

    def letters(self, services: Sequence[str], state: str | None) -> None:
        """Dead letters, the newest of each service first."""
        for service in services:
            query = {"state": state} if state else {}
            for letter in self._get(service, "/ops/dead-letters", limit=200, **query)["items"]:
                self._say(
                    f"{service:<22} {letter['id']} {letter['state']:<10} {letter['reason']:<22} "
                    f"{letter['routing_key']:<28} {letter['died_at']}"
                )

    def letter(self, service: str, letter_id: str) -> None:
        """One letter, with its error and its masked payload."""
        letter = self._get(service, f"/ops/dead-letters/{letter_id}")
        for name, value in letter.items():
            self._say(f"{name:<13} {value}")

    def replay(self, service: str, letter_id: str | None, reason: str | None, note: str) -> None:
        """Give one letter again, or all that died of a reason."""
        if letter_id is not None:
            letter = self._post(service, f"/ops/dead-letters/{letter_id}/replay", note=note)
            self._say(f"{letter['id']} will be given again")
            return
        while count := self._post(service, "/ops/dead-letters/replay", note=note, reason=reason)["count"]:
            self._say(f"{count} letters will be given again")

    def discard(self, service: str, letter_id: str, note: str) -> None:
        """Give a letter up, with the reason."""
        letter = self._post(service, f"/ops/dead-letters/{letter_id}/discard", note=note)
        self._say(f"{letter['id']} is discarded")

    def republish(self, services: Sequence[str], since: str, note: str) -> None:
        """Have services say again what they said since a moment."""
        for service in services:
            total, before = 0, None
            while True:
                body = {"since": since, "before": before, "note": note}
                said = self._post(service, "/ops/events/republication", **body)
                total, before = total + said["count"], said["before"]
                if before is None:
                    break
            self._say(f"{service:<22} {total} events are said again")

    def lost(self, service: str, since: str) -> None:
        """What oversight heard from a service and the service does not remember; what it was has to be entered anew."""
        total, cursor = 0, None
        while True:
            query: dict[str, str] = {"cursor": cursor} if cursor else {}
            heard = self._get("oversight", "/heard", producer=service, since=since, limit=200, **query)
            for one in self._forgotten(service, heard["items"]):
                total += 1
                self._say(f"{one['occurred_at']} {one['kind']:<16} {one['subject']} number {one['sequence']}")
            cursor = heard["next_cursor"]
            if cursor is None:
                break
        self._say(f"{service}: {total} events were heard that it does not remember")

    def _forgotten(self, service: str, heard: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if not heard:
            return []
        asked = [{name: one[name] for name in ("event_id", "subject", "sequence")} for one in heard]
        forgotten = set(self._post(service, "/ops/events/unsaid", events=asked)["event_ids"])
        return [one for one in heard if one["event_id"] in forgotten]

    def _get(self, service: str, path: str, **query: Any) -> Any:
        return self._platform.get(self._username, service, path, **query)

    def _post(self, service: str, path: str, **body: Any) -> Any:
        return self._platform.post(self._username, service, path, body)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ops", description="Dead letters and events of the running platform")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="what is stuck")
    letters = commands.add_parser("letters", help="list dead letters")
    letters.add_argument("service", nargs="?", choices=SERVICES)
    letters.add_argument("--state", choices=("waiting", "replaying", "replayed", "discarded"))
    for name, words in (("letter", "look into one"), ("replay", "give again"), ("discard", "give up")):
        command = commands.add_parser(name, help=words)
        command.add_argument("service", choices=SERVICES)
        command.add_argument("id", nargs="?" if name == "replay" else None)
        if name == "replay":
            command.add_argument("--reason", help="all waiting letters that died of it")
        if name != "letter":
            command.add_argument("--note", required=True, help="why; it is kept")
    republish = commands.add_parser("republish", help="say again what was said since a moment")
    republish.add_argument("service", nargs="?", choices=SERVICES)
    republish.add_argument("--since", required=True, help="RFC 3339, e.g. 2026-11-24T09:00:00+08:00")
    republish.add_argument("--note", required=True, help="why; it is kept")
    lost = commands.add_parser("lost", help="what a restored service does not remember to have said")
    lost.add_argument("service", choices=SERVICES)
    lost.add_argument("--since", required=True, help="RFC 3339")
    found = parser.parse_args(arguments)
    if found.command == "replay" and (found.id is None) == (found.reason is None):
        parser.error("say which letter, or --reason for all that died of it")
    return found


def run(ops: Ops, said: argparse.Namespace) -> None:
    """Do what the command line says."""
    match said.command:
        case "status":
            ops.status()
        case "letters":
            ops.letters([said.service] if said.service else SERVICES, said.state)
        case "letter":
            ops.letter(said.service, said.id)
        case "replay":
            ops.replay(said.service, said.id, said.reason, said.note)
        case "discard":
            ops.discard(said.service, said.id, said.note)
        case "republish":
            ops.republish([said.service] if said.service else SERVICES, said.since, said.note)
        case "lost":
            ops.lost(said.service, said.since)


def main(arguments: Sequence[str]) -> int:
    """The command line; what was refused is one line."""
    said = parsed(arguments)
    username = os.environ.get("OPS_USER", "operator")
    platform = Platform(urls_from_environment(os.environ), patience=PATIENCE_SECONDS)
    try:
        platform.sign_in(username, os.environ.get("OPS_PASSWORD") or password_from_environment(os.environ))
        run(Ops(platform, username), said)
    except (CallFailed, SignInFailed, httpx.HTTPError, OSError) as failure:
        print(f"ops: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
