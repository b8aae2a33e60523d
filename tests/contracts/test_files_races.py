"""A second party changes the workspace while the tools walk through it: nothing gets out or in."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import PathError
from bot.folder import Change
from tests.contracts.files_kit import SECRET, Place

SWAPS = 10_000


class Swapper(threading.Thread):
    """Puts a link to the outside in the place of a folder or a file, and back, until it is told."""

    def __init__(self, place: Place) -> None:
        super().__init__(name="swapper", daemon=True)
        self.root, self.outside = place.root, place.outside
        self.swaps = 0
        self.enough = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self._swap(self.root / "way", self.outside / "deep", folder=True)
                self._swap(self.root / "way" / "file", self.outside / "secret", folder=False)
        except BaseException as error:
            self.failure = error

    def _swap(self, path: Path, target: Path, *, folder: bool) -> None:
        """As an attacker would: one rename puts the link there, another one the thing itself."""
        aside, link = path.with_name(f"{path.name}.aside"), path.with_name(f"{path.name}.link")
        with suppress(OSError):
            link.symlink_to(target, target_is_directory=folder)
            path.rename(aside)
            link.rename(path)
        with suppress(OSError):
            if path.is_symlink():
                path.unlink()
        with suppress(OSError):
            aside.rename(path)
        with suppress(OSError):
            link.unlink()
        self.swaps += 1


@contextmanager
def swapping(place: Place) -> Iterator[Swapper]:
    (place.root / "way").mkdir()
    (place.root / "way" / "file").write_text("inside")
    (place.outside / "deep" / "file").write_text(SECRET)
    swapper = Swapper(place)
    swapper.start()
    try:
        yield swapper
    finally:
        swapper.enough.set()
        swapper.join(60)
    assert swapper.failure is None and not swapper.is_alive()


def test_no_read_gets_behind_a_link_that_is_swapped_in(tmp_path: Path):
    place, chance = Place(tmp_path), random.Random(4)
    folder = place.workspaces.folder("main")
    reads = refusals = 0
    with swapping(place) as swapper:
        while swapper.swaps < SWAPS:
            names = chance.choice([("way", "file"), ("way", "secret"), ("way",)])
            try:
                found = folder.list(names) if len(names) == 1 else [folder.read(names).data]
                assert all(SECRET.encode() != one and one != "secret" for one in found)
                reads += 1
            except PathError:
                refusals += 1
    print(f"{swapper.swaps} swaps, {reads} reads, {refusals} refused")
    assert reads and refusals, "both ends of the race must have been met"


def test_no_write_gets_behind_a_link_that_is_swapped_in(tmp_path: Path):
    place = Place(tmp_path)
    before = None
    folder = place.workspaces.folder("main")
    writes = refusals = 0
    with swapping(place) as swapper:
        before = place.snapshot()
        while swapper.swaps < SWAPS:
            for names in (("way", "file"), ("way", "new", "file")):
                try:
                    folder.change([Change(names, b"owned", folder.stamp(names))])
                    writes += 1
                except PathError:
                    refusals += 1
    print(f"{swapper.swaps} swaps, {writes} writes, {refusals} refused")
    assert writes and refusals
    assert place.snapshot() == before


def test_a_change_that_somebody_made_meanwhile_is_not_lost(tmp_path: Path):
    """Many write at once what they read before: no change is made on what was not read."""
    place = Place(tmp_path)
    folder = place.workspaces.folder("main")
    (place.root / "count").write_text("0")
    made: list[int] = []

    def count() -> None:
        for _ in range(50):
            content = folder.read(("count",))
            number = int(content.data) + 1
            with suppress(PathError):
                with place.files.changing:
                    folder.change([Change(("count",), str(number).encode(), content.stamp)])
                made.append(number)

    threads = [threading.Thread(target=count, name=f"counter {n}") for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert int((place.root / "count").read_text()) == len(made) == len(set(made))
    assert [one.name for one in place.root.iterdir()] == ["count"], "nothing is left beside it"
