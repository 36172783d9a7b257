"""Claims: who has what, of processes that live, die, sleep, and are on machines whose clocks differ."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from threading import Barrier, Thread

import pytest

from afnetm.errors import UserError
from benchmarks.records import holders as module
from benchmarks.records.claims import Claims
from benchmarks.records.holders import machine
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving, exclusive

Driver = Callable[..., Claims]


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """Begins a driver of a host, which has a machine of its own; the same process number wherever it is."""
    with ExitStack() as stack:

        def begin(host: str = "here", *, sleeping: bool = False) -> Claims:
            monkeypatch.setattr("socket.gethostname", lambda: host)
            monkeypatch.setattr(module, "machine", lambda: host if host != "here" else machine())
            driver = Claims(Home(tmp_path))
            if sleeping:
                monkeypatch.setattr(driver, "_beat", lambda: None)
                driver._thread = Thread(target=lambda: None)
            return stack.enter_context(driver)

        yield begin


def sleep(one: Claims, seconds: float) -> None:
    """As if a driver had not touched its lease for so long."""
    lease = one._lease
    then = lease.stat().st_mtime - seconds
    os.utime(lease, (then, then))


def test_what_one_has_no_other_gets_until_it_is_given_back(driver: Driver) -> None:
    a, b = driver("a"), driver("b")
    assert a.take("run.k")
    assert a.take("run.k"), "still"
    assert not b.take("run.k")
    assert b.taken("run.") == {"run.k"}
    assert a.taken("run.") == set()
    b.release("run.k")
    assert a.holds("run.k"), "nobody gives back another's"
    a.release("run.k")
    assert b.take("run.k")
    assert not a.holds("run.k")


def test_of_many_at_once_one_has_it(driver: Driver) -> None:
    everyone = [driver(f"host{number}") for number in range(8)]
    for number, dead in product(range(8), (False, True)):
        name = f"run.{number}.{dead}"
        if dead:
            late = driver(f"late{number}", sleeping=True)
            assert late.take(name)
            sleep(late, 100)
        won, barrier = [], Barrier(len(everyone))

        def race(one: Claims, name: str = name, barrier: Barrier = barrier, won: list[Claims] = won) -> None:
            barrier.wait()
            if one.take(name):
                won.append(one)

        threads = [Thread(target=race, args=(one,)) for one in everyone]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert [one for one in everyone if one.holds(name)] == won


def test_who_gives_no_sign_for_long_has_lost_it_and_learns_so(driver: Driver) -> None:
    sleeper, other = driver("a", sleeping=True), driver("b")
    assert sleeper.take("study.s")
    sleep(sleeper, 80)
    assert not other.take("study.s"), "not so long"
    sleep(sleeper, 100)
    assert other.taken("study.") == set()
    assert other.take("study.s")
    sleeper._now()  # it wakes
    assert not sleeper.holds("study.s")
    sleeper.release("study.s")
    assert other.holds("study.s"), "what is another's now is left alone"
    assert not sleeper.take("study.s")
    assert other.others() == [sleeper.holder], "it is back all the same"


def test_who_wakes_has_lost_it_though_nobody_has_taken_it_yet(driver: Driver) -> None:
    sleeper, other = driver("a", sleeping=True), driver("b")
    assert sleeper.take("study.s")
    sleep(sleeper, 80)
    assert sleeper.holds("study.s"), "it was never taken for dead"
    sleep(sleeper, 100)
    assert not sleeper.holds("study.s"), "another may just have taken it for dead"
    assert other.take("study.s"), "nor does it hold what it no longer has"


def test_no_clock_but_the_file_server_s_says_who_is_dead(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two machines whose clocks are five minutes off, either way."""
    a = driver("a")
    assert a.take("run.k")
    for minutes in (-5, 5):
        monkeypatch.setattr("time.time", lambda off=60 * minutes: 1.8e9 + off)
        b = driver("b")
        assert not b.take("run.k")
        assert b.others()[0] == a.holder
        sleep(a, 100)
        assert b.take("run.k")
        b.release("run.k")
        a._now()
        assert a.take("run.k")


def test_a_process_that_is_gone_is_dead_at_once_on_its_own_machine_alone(driver: Driver, tmp_path: Path) -> None:
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    for host, dead in (("here", True), ("there", False)):
        one = driver(host, sleeping=True)
        assert one.take(f"run.{host}")
        for path in (one._lease, tmp_path / "claims" / f"run.{host}"):
            path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": gone}))
        assert driver().take(f"run.{host}") is dead


def test_equal_process_numbers_are_two_processes(driver: Driver) -> None:
    a, b = driver("a"), driver("b")
    assert a.holder.pid == b.holder.pid
    assert a.take("run.k")
    assert not b.take("run.k")
    assert {holder.host for holder in driver("c").others()} == {"a", "b"}


def test_what_was_just_put_in_place_of_the_dead_is_not_taken_away(driver: Driver, tmp_path: Path) -> None:
    """A third driver saw the dead one's claim, and renames what is another's by then."""
    dead, second, third = driver("a", sleeping=True), driver("b"), driver("c")
    assert dead.take("run.k")
    sleep(dead, 100)
    path = tmp_path / "claims" / "run.k"
    seen = third._read(path)
    assert seen is not None
    assert second.take("run.k")
    assert not third._remove(path, seen)
    assert second.holds("run.k")
    assert sorted(path.parent.glob(".*")) == []


def test_a_rename_that_was_done_and_reported_as_failed_is_done(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, other = driver("a", sleeping=True), driver("b")
    assert dead.take("run.k")
    sleep(dead, 100)
    rename = Path.rename

    def twice(path: Path, target: Path) -> Path:
        rename(path, target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", twice)
    assert other.take("run.k")


def test_a_claim_that_was_cut_off_while_it_was_written_is_dead_in_time(driver: Driver, tmp_path: Path) -> None:
    one, path = driver("a"), tmp_path / "claims" / "run.k"
    for content in ("", "{", '{"kind": "driver"}', "[" * 100_000):
        path.write_text(content)
        assert not one.take("run.k")
        then = path.stat().st_mtime - 100
        os.utime(path, (then, then))
        assert one.take("run.k")
        one.release("run.k")


@pytest.mark.parametrize("moment", ["created", "written"])
def test_who_is_interrupted_over_a_claim_leaves_none(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by Ctrl-C, right after the file is there, or before anything is written into it."""
    create = Claims._create

    def interrupted(self: Claims, path: Path, text: str) -> bool:
        create(self, path, text)
        raise KeyboardInterrupt

    def cut(handle: int, *_: object, **__: object) -> None:
        os.close(handle)
        raise KeyboardInterrupt

    def take() -> None:
        with Claims(Home(tmp_path)) as claims, monkeypatch.context() as patch:
            if moment == "created":
                patch.setattr(Claims, "_create", interrupted)
            else:
                patch.setattr(os, "fdopen", cut)
            claims.take("run.k")

    with pytest.raises(KeyboardInterrupt):
        take()
    assert list((tmp_path / "claims").iterdir()) == []


def test_the_last_to_leave_is_one(driver: Driver) -> None:
    everyone = [driver(f"host{number}") for number in range(6)]
    for one in everyone:
        one.join("a suite/of any name")
    dead = driver("dead", sleeping=True)
    dead.join("a suite/of any name")
    sleep(dead, 100)
    last: list[bool] = []
    threads = [Thread(target=lambda one=one: last.append(one.last("a suite/of any name"))) for one in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(last) == [False] * 5 + [True]


def test_drivers_share_a_home_and_who_needs_it_alone_does_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with driving(home) as one, driving(home) as other:
        assert one.others() == [other.holder]
        assert sorted((one.rank, other.rank)) == [0, 0.5]
        with (
            pytest.raises(UserError, match=f"in use by process {os.getpid()} on .* since .*afnetm"),
            exclusive(home),
        ):
            pass
    with exclusive(home):
        for begin in (exclusive, driving):
            with pytest.raises(UserError, match="is in use by process"), begin(home):
                pass
    with exclusive(home):
        pass
    assert list(home.claims.iterdir()) == []


def test_a_driver_waits_for_who_only_looks_whether_a_home_is_in_use(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with Claims(home, kind="alone") as looking:
        assert looking.take("home")
        Thread(target=lambda: (time.sleep(0.3), looking.release("home"))).start()
        with driving(home):
            pass


def test_who_holds_a_home_is_told_without_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ["postgresql://me:s3c@ret@host/d", "http://me:s3c@ret@host", "postgresql://host/d?user=me&password=s3c@ret"]
    monkeypatch.setattr("sys.argv", ["afnetm", *(f"--storage={url}" for url in urls), "run", "quick"])
    home = Home(tmp_path)
    with exclusive(home):
        kept = [path.read_text() for path in home.claims.iterdir()]
        with pytest.raises(UserError, match="is in use by process .*run quick") as caught, exclusive(home):
            pass
    assert len(kept) == 2
    assert "s3c" not in "".join(kept) + str(caught.value)


@pytest.mark.parametrize("limit", ["soon", "0", "nan", "inf", "-3"])
def test_a_limit_that_is_none_is_one_line(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFNETM_CLAIM_LIMIT", limit)
    with pytest.raises(UserError, match=f"AFNETM_CLAIM_LIMIT: '{limit}' is not allowed; seconds, at least 1"):
        Claims(Home(tmp_path))


def test_what_the_dead_left_is_taken_away_by_whoever_comes(driver: Driver, tmp_path: Path) -> None:
    dead, asleep = driver("a", sleeping=True), driver("b")
    for one in (dead, asleep):
        one.join("a suite")
        assert one.take(f"run.{one.holder.host}")
    sleep(dead, 100)
    with driving(Home(tmp_path)) as new:
        left = {path.name for path in new._folder.iterdir()} - {new._lease.name}
    assert left == {asleep._lease.name, *asleep._mine}
    assert not dead.holds("run.a")
