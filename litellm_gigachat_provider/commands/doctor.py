"""``litellm-gigachat doctor``: is everything in place for a call, and if not, what to do.

The output is made to be pasted in public: no key, token or user name, home folders shortened to ``~``.
Exit code 1 if a check failed.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence

from . import doctor_local as local
from . import doctor_remote as remote
from .doctor_types import FAIL, OK, SKIP, WARN, Check, Patient
from .output import quiet_litellm, say, say_json, table

# In order: (name, title, names of the checks that must not have failed, the check itself, does it use the network)
_CHECKS: tuple[tuple[str, str, tuple[str, ...], Callable[[Patient], Check], bool], ...] = (
    ("versions", "Versions", (), local.versions, False),
    ("provider", "Who answers gigachat/", (), local.provider, False),
    ("settings", "Settings", (), local.settings, False),
    ("key", "Credentials", (), local.key, False),
    ("clock", "Clock", (), remote.clock, True),
    ("tls_oauth", "TLS to the token server", ("settings", "key"), remote.tls_oauth, True),
    ("tls_api", "TLS to the API", ("settings", "key"), remote.tls_api, True),
    ("proxies", "Proxy variables", (), local.proxies, False),
    ("oauth", "Access token", ("settings", "key", "tls_oauth"), remote.oauth, True),
    ("model", "Model on this host", ("oauth", "tls_api"), remote.model, True),
    ("completion", "One completion", ("provider", "oauth", "tls_api", "model"), remote.completion, True),
    ("balance", "Balance", ("oauth", "tls_api"), remote.balance, True),
)
_TITLES = {name: title for name, title, *_ in _CHECKS}
_WIDTH = 110


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="GigaChat-2-Max", help="the model to try (default: %(default)s)")
    parser.add_argument("--offline", action="store_true", help="only what needs no network")
    parser.add_argument("--timeout", type=_seconds, default=30.0, help="seconds for each step (default: %(default)g)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


def run(arguments: argparse.Namespace) -> int:
    quiet_litellm()
    patient = Patient(arguments.model.removeprefix("gigachat/"), arguments.timeout)
    done: dict[str, Check] = {}
    for name, title, needs, examine, network in _CHECKS:
        check = _blocked(needs, done) or (
            Check(SKIP, "skipped: --offline") if network and arguments.offline else examine(patient)
        )
        done[name] = patient.clean(check)
        if not arguments.json:
            _show(title, done[name])
    failed = [name for name, check in done.items() if check.status == FAIL]
    if arguments.json:
        checks = [{"name": name, "title": _TITLES[name], **check.as_dict()} for name, check in done.items()]
        say_json({"ok": not failed, "failed": failed, "checks": checks})
    else:
        say(_verdict(failed, done.values()))
    return 1 if failed else 0


def _blocked(needs: Sequence[str], done: dict[str, Check]) -> Check | None:
    """A check whose prerequisite failed, or was itself skipped for that reason, would only repeat its failure."""
    for name in needs:
        if done[name].status == FAIL or done[name].blocked:
            return Check(SKIP, f"skipped: needs {_TITLES[name]}", blocked=True)
    return None


def _show(title: str, check: Check) -> None:
    say(f"[{check.status:>4}] {title}: {check.detail}")
    if check.rows:
        say(textwrap.indent(table(check.headers, check.rows), " " * 9))
    if check.remedy:
        say(textwrap.fill(f"→ {check.remedy}", _WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 9))


def _verdict(failed: Sequence[str], checks: Iterable[Check]) -> str:
    statuses = [check.status for check in checks]
    words = ((OK, "OK"), (WARN, "WARN"), (FAIL, "FAIL"), (SKIP, "skipped"))
    counts = ", ".join(f"{statuses.count(status)} {word}" for status, word in words if status in statuses)
    if failed:
        return f"\n{counts}. Begin with: {_TITLES[failed[0]]}."
    return f"\n{counts}. Nothing stands in the way." if SKIP not in statuses else f"\n{counts}."
