"""Does the server's configuration follow from the grants alone, and let each branch reach what is its own?"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

from congdoan.provinces import Grant
from congdoan.provinces.configuration import MAY_PUBLISH, ServerSettings, render, sources_of

SETTINGS = ServerSettings(1, 2, 3, Path("/data/kho dữ liệu"), 'a "token"', "a password")
SINCE = datetime(2026, 11, 22, tzinfo=UTC)
GRANTS = [Grant(code, SINCE, key=f"U{code.upper()}") for code in ("ha-noi", "ha", "noi")]


def test_the_order_of_the_grants_does_not_matter() -> None:
    assert len({render(SETTINGS, each) for each in permutations(GRANTS)}) == 1


def test_without_grants_nothing_leaves_the_services_account() -> None:
    text = render(SETTINGS, [])
    assert "exports: []" in text
    assert "branch-" not in text


def test_what_names_a_branch_is_for_its_own_accounts() -> None:
    lines = [line for line in render(SETTINGS, GRANTS).splitlines() if "accounts: [" in line]
    for grant in GRANTS:
        named = [line for line in lines if re.search(rf'[".]{grant.code}[".]', line.partition("accounts:")[0])]
        assert len(named) == 1 + 1 + len(sources_of(grant.code)) - 1
        for line in named:
            [account] = re.findall(r'"([^"]+)"', line.partition("accounts:")[2])
            assert account in (grant.account, grant.entrance)


def test_a_key_that_is_not_in_force_lets_nobody_in() -> None:
    begun, ending = replace(GRANTS[0], key="", next_key="UNEXT"), replace(GRANTS[1], ending=True)
    text = render(SETTINGS, [begun, ending, GRANTS[2]])
    assert re.findall(r"nkey: (\w+)", text) == ["UNOI"]


def test_secrets_and_paths_are_quoted() -> None:
    text = render(SETTINGS, [])
    assert r'password: "a \"token\""' in text
    assert 'store_dir: "/data/kho dữ liệu"' in text


def test_a_province_may_say_nothing_that_changes_a_stream() -> None:
    words = ("STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE", "PURGE", "MSG.DELETE", "MSG.GET", "DIRECT", "NAMES.", "RESTORE")
    harmful = [subject for subject in MAY_PUBLISH if any(word in f"{subject}." for word in words)]
    assert harmful == ["$JS.branch.API.CONSUMER.NAMES.BRANCH"]
    assert all(subject.startswith(("$JS.branch.API.", "$JS.ACK.", "$JS.FC.BRANCH.", "snapshot")) for subject in MAY_PUBLISH)
