"""What leaves the platform in words: what is to be done, by when, and a link. Never who it is about.

A name, a number or a pseudonym is no parameter of anything here: the identity is behind the sign-in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notification import policy
from services.notification.domain.rules import Rule
from shared.kernel.clock import CHINA

LANGUAGES = ("zh", "en")
MOST_LINES = 20  # of a digest; the rest is counted


@dataclass(frozen=True, slots=True)
class Item:
    """What one message is about."""

    rule: str
    due_at: datetime | None
    notice_id: UUID


def subject_of(items: Sequence[Item], language: str) -> str:
    """One line: the matter itself, or how many there are."""
    if len(items) == 1:
        title = _title(_rule(items[0]), language)
        return f"【接力】{title}" if language == "zh" else f"[Baton] {title}"
    urgent = sum(_rule(item).urgent for item in items)
    if language == "zh":
        return f"【接力】{len(items)} 项待办" + (f"，其中 {urgent} 项紧急" if urgent else "")
    return f"[Baton] {len(items)} things to do" + (f", {urgent} of them urgent" if urgent else "")


def short_text(items: Sequence[Item], language: str, console_url: str) -> str:
    """What fits into an SMS."""
    due = min((item.due_at for item in items if item.due_at is not None), default=None)
    parts = [subject_of(items, language)]
    if due is not None:
        parts.append(_by(due, language, first=len(items) > 1))
    end, link = ("。", "详情：") if language == "zh" else (". ", "")
    return ("，" if language == "zh" else ", ").join(parts) + f"{end}{link}{link_of(items, console_url)}"


def long_text(items: Sequence[Item], language: str, console_url: str) -> str:
    """An e-mail's text: a line for each matter, a link to each."""
    lines = []
    for item in sorted(items, key=lambda one: not _rule(one).urgent)[:MOST_LINES]:
        due = f"（{_by(item.due_at, language)}）" if item.due_at is not None else ""
        lines += [f"- {_title(_rule(item), language)}{due}", f"  {console_url}/notifications/{item.notice_id}"]
    if len(items) > MOST_LINES:
        lines.append(f"… {len(items) - MOST_LINES}")
    foot = (
        "登录后可见当事人身份和办理页面。此邮件由系统发送，请勿回复。"
        if language == "zh"
        else "Who it is about is shown after signing in. This was sent by a system; do not answer."
    )
    return "\n".join([*lines, "", foot, f"{console_url}/notifications", ""])


def link_of(items: Sequence[Item], console_url: str) -> str:
    """To the one notice, or to the list."""
    return f"{console_url}/notifications/{items[0].notice_id}" if len(items) == 1 else f"{console_url}/notifications"


def _rule(item: Item) -> Rule:
    return policy.RULES_BY_ID[item.rule]


def _title(rule: Rule, language: str) -> str:
    return rule.title_zh if language == "zh" else rule.title_en


def _by(due: datetime, language: str, *, first: bool = False) -> str:
    at = due.astimezone(CHINA)
    if language == "zh":
        return f"{'最早' if first else ''}期限 {at.month}月{at.day}日 {at:%H:%M}"
    return f"{'the first ' if first else ''}by {at:%Y-%m-%d %H:%M}"
