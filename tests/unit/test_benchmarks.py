"""The benchmarks' own arithmetic; nothing here takes the time of anything."""

import json
import types
from collections import Counter
from pathlib import Path

import pytest

from aexp.domain import polling
from benchmarks import __main__ as command_line
from benchmarks import compare, measures, run, site_model, stats, table
from benchmarks.baselines import original_schedule
from benchmarks.bench import Bench, Measure, Rest
from benchmarks.calls import counted, listed
from benchmarks.results import Figure, Limit, Ratio, Results
from benchmarks.sheet import Sheet, better_than, times


def figure(*samples: float, name: str = "trip.p50", ratio: float | None = None, **about):
    """A figure, with a ratio to a baseline if one is given."""
    ratios = () if ratio is None else (Ratio(to="trip.base", samples=(ratio,)),)
    return Figure(name=name, unit="ms", samples=samples, ratios=ratios, **about)


def changed(old: Figure, new: Figure) -> compare.Change:
    (change,) = compare.changes(Results(figures=(old,)), Results(figures=(new,)))
    return change


class TestStats:
    @pytest.mark.parametrize(("part", "value"), [(0, 1), (0.25, 2), (0.5, 3), (0.99, 4.96), (1, 5)])
    def test_a_quantile_lies_between_its_neighbours(self, part: float, value: float) -> None:
        assert stats.quantile([5, 1, 3, 2, 4], part) == pytest.approx(value)

    def test_one_sample_is_every_quantile(self) -> None:
        assert stats.quantile([7], 0.99) == 7

    def test_there_is_no_quantile_of_nothing(self) -> None:
        with pytest.raises(ValueError, match="no samples"):
            stats.quantile([], 0.5)

    def test_ratios_are_taken_repetition_by_repetition(self) -> None:
        assert stats.paired_ratios([2, 40], [1, 10]) == [2, 4]

    def test_of_unequal_numbers_each_is_divided_by_the_median(self) -> None:
        assert stats.paired_ratios([2, 4, 6], [1, 2]) == pytest.approx([2 / 1.5, 4 / 1.5, 4])

    @pytest.mark.parametrize(("over", "under"), [([1], [0]), ([], [])])
    def test_nothing_is_divided_by_nothing(self, over: list[float], under: list[float]) -> None:
        with pytest.raises(ValueError, match="nothing to divide by"):
            stats.paired_ratios(over, under)


class TestResults:
    def test_a_figure_says_how_its_samples_lie(self) -> None:
        found = figure(3, 1, 2.000004)
        assert (found.median, found.least, found.most) == (2, 1, 3)

    @pytest.mark.parametrize(("value", "met"), [(4, True), (4.1, False)])
    def test_a_target_is_for_the_median(self, value: float, met: bool) -> None:
        assert figure(0, value, 99, limit=Limit(at_most=4)).met is met

    def test_a_target_can_be_a_least(self) -> None:
        assert Limit(at_least=60).allows(60)
        assert not Limit(at_least=60).allows(59.9)

    def test_what_is_written_is_read_again(self, tmp_path: Path) -> None:
        before = Results(
            machine={"cpus": "2"},
            figures=(figure(1, 2, ratio=3, limit=Limit(at_most=5), note="…"),),
            skipped={"idle.calls": "no strace"},
            failed={"drain": "broke"},
            seconds={"trip": 1.5},
        )
        path = tmp_path / "new/results.json"
        before.save(path)
        assert Results.load(path) == before

    def test_the_file_has_its_keys_in_order_and_the_verdicts_in_it(self) -> None:
        told = json.loads(Results(figures=(figure(1, limit=Limit(at_most=5)),)).to_text())
        assert [*told] == sorted(told)
        assert told["figures"][0]["met"] is True
        assert [*told["figures"][0]] == sorted(told["figures"][0])


class TestSheet:
    def test_a_figure_stands_next_to_its_baselines(self) -> None:
        sheet = Sheet("trip")
        sheet.add("p50", 4, 6)
        sheet.add("git", 2, 2)
        sheet.add("original", 400, 300)
        found = sheet.figure(
            "p50", "ms", times("git", at_most=2), better_than("original", at_least=60)
        )
        assert found.name == "trip.p50"
        assert [(one.to, one.samples, one.met) for one in found.ratios] == [
            ("trip.git", (2, 3), False),
            ("trip.original", (100, 50), True),
        ]
        assert not sheet.baseline("git", "ms").ours

    def test_latencies_become_two_figures(self) -> None:
        sheet = Sheet("trip")
        sheet.add_latencies("", [1, 2, 3])
        sheet.add_latencies("8", [1, 2, 3])
        assert sheet.figure("p50", "ms").median == 2
        assert sheet.figure("8.p99", "ms").median == pytest.approx(2.98)

    def test_what_was_not_measured_makes_no_figure(self) -> None:
        with pytest.raises(ValueError, match=r"trip\.p50 was not measured"):
            Sheet("trip").figure("p50", "ms")


class TestCompare:
    def test_worse_beyond_the_spread_is_flagged(self) -> None:
        assert changed(figure(9, 10, 11), figure(13, 14, 15)).worse

    def test_one_sample_says_little(self) -> None:
        assert changed(figure(10), figure(12)).verdict == ""
        assert changed(figure(10), figure(13)).worse

    def test_a_change_that_is_too_small_to_mean_anything_is_noise(self) -> None:
        assert changed(figure(0.1, 0.1), figure(0.9, 0.9, grain=1)).verdict == ""
        assert changed(figure(0, 0), figure(0.9, 0.9, grain=1)).verdict == ""
        assert changed(figure(0.1, 0.1), figure(1.2, 1.2, grain=1)).worse

    def test_worse_within_the_spread_is_noise(self) -> None:
        assert changed(figure(8, 10, 12), figure(11, 13, 15)).verdict == ""

    def test_a_small_change_of_an_exact_count_is_noise(self) -> None:
        assert changed(figure(1000, 1000), figure(1010, 1010)).verdict == ""
        assert changed(figure(1000, 1000), figure(1100, 1100)).worse

    def test_more_can_be_better(self) -> None:
        old, new = figure(10, better="more"), figure(20, better="more")
        assert changed(old, new).verdict == "better"
        assert changed(new, old).worse

    def test_a_slower_machine_is_not_flagged(self) -> None:
        assert changed(figure(10, ratio=2), figure(20, ratio=2)).verdict == ""
        assert changed(figure(10, ratio=2), figure(20, ratio=4)).worse

    def test_what_has_a_baseline_is_judged_by_the_ratio_to_the_first(self) -> None:
        def trip(*ratios: float, samples: tuple[float, ...], asleep: float) -> Figure:
            to = (
                Ratio(to="git.p50", samples=ratios),
                Ratio(to="original.p50", samples=(asleep,), inverted=True),
            )
            return Figure(name="trip.p50", unit="ms", samples=samples, ratios=to)

        quiet = trip(3.3, 3.4, 3.5, samples=(5, 6, 7), asleep=80)
        regressed = trip(4.3, 4.4, 4.5, samples=(6.5, 7.8, 9.1), asleep=60)
        slower_machine = trip(3.3, 3.4, 3.5, samples=(10, 12, 14), asleep=40)
        assert changed(quiet, regressed).worse
        assert changed(quiet, slower_machine).verdict == ""

    def test_baselines_are_not_flagged(self) -> None:
        assert changed(figure(10, ours=False), figure(99, ours=False)).verdict == ""

    def test_from_nothing_to_something_is_worse(self) -> None:
        assert changed(figure(0), figure(1)).worse
        assert changed(figure(0), figure(0)).verdict == ""

    def test_an_inverted_ratio_gets_worse_by_falling(self) -> None:
        def with_ratio(value: float, ratio: float) -> Figure:
            one = Ratio(to="trip.base", samples=(ratio,), inverted=True)
            return Figure(name="trip.p50", unit="ms", samples=(value,), ratios=(one,))

        assert changed(with_ratio(10, 60), with_ratio(20, 30)).worse
        assert changed(with_ratio(10, 60), with_ratio(20, 90)).verdict == "better"

    def test_what_differs_besides_is_told(self) -> None:
        old = Results(machine={"cpu": "A"}, figures=(figure(1), figure(1, name="gone.p50")))
        new = Results(machine={"cpu": "B"}, figures=(figure(1),))
        told = compare.differences(old, new)
        assert told == ["cpu: A, now B", "not measured any more: gone.p50"]

    def test_a_target_that_is_missed_now_is_told(self) -> None:
        met, missed = (figure(one, limit=Limit(at_most=4)) for one in (3.9, 4.1))
        assert compare.differences(Results(figures=(met,)), Results(figures=(missed,))) == [
            "target missed now: trip.p50"
        ]
        assert not compare.differences(Results(figures=(missed,)), Results(figures=(missed,)))

    def test_the_exit_status_tells(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        old, new = tmp_path / "old.json", tmp_path / "new.json"
        Results(figures=(figure(10),)).save(old)
        Results(figures=(figure(20),)).save(new)
        assert command_line.main(["compare", str(old), str(new)]) == 1
        assert "WORSE: trip.p50" in capsys.readouterr().out
        assert command_line.main(["compare", str(new), str(old)]) == 0
        assert command_line.main(["compare", str(old), str(tmp_path / "none")]) == 2

    def test_a_measure_that_broke_is_worse(
        self, tmp_path: Path, capsys: pytest.CaptureFixture
    ) -> None:
        old, new = tmp_path / "old.json", tmp_path / "new.json"
        Results(figures=(figure(10),)).save(old)
        Results(failed={"trip": "it broke"}).save(new)
        assert command_line.main(["compare", str(old), str(new)]) == 1
        assert "WORSE: trip (it broke)" in capsys.readouterr().out


class TestRun:
    def test_every_name_has_a_measure(self) -> None:
        assert all(callable(measures.load(name)) for name in measures.NAMES)
        folder = Path(measures.__file__).parent
        assert {path.stem for path in folder.glob("[a-z]*.py")} == set(measures.NAMES)

    def test_some_can_be_chosen_and_keep_their_order(self) -> None:
        assert measures.chosen("memory, drain") == ["drain", "memory"]
        assert measures.chosen(None) == measures.NAMES
        with pytest.raises(ValueError, match="no measure speed"):
            measures.chosen("drain,speed")

    def test_a_measure_that_breaks_hides_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(bench: Bench) -> list[Figure]:
            raise OSError("no disk")

        def whole(bench: Bench) -> list[Figure]:
            bench.skip("whole.calls", "no strace")
            return [figure(1, name="whole.p50")]

        known = {"broken": broken, "whole": whole}
        monkeypatch.setattr(measures, "load", known.__getitem__)
        results = run.run(Bench(tmp_path), ["broken", "whole"])
        assert [one.name for one in results.figures] == ["whole.p50"]
        assert results.failed == {"broken": "OSError: no disk"}
        assert results.skipped == {"whole.calls": "no strace"}
        text = table.render(results)
        assert "FAILED broken: OSError: no disk" in text
        assert "1 measures failed" in text

    def test_a_measure_that_rests_ends_after_the_others_also_when_one_breaks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = []

        def resting(name: str) -> Measure:
            def measure(bench: Bench) -> Rest:
                told.append(f"{name} begins")
                yield 0.0
                told.append(f"{name} ends")
                if name == "second":
                    raise OSError("no disk")
                return [figure(1, name=name)]

            return measure

        def prompt(bench: Bench) -> list[Figure]:
            told.append("prompt")
            return []

        known = {"first": resting("first"), "second": resting("second"), "prompt": prompt}
        monkeypatch.setattr(measures, "load", known.__getitem__)
        results = run.run(Bench(tmp_path), ["first", "second", "prompt"])
        assert told == ["first begins", "second begins", "prompt", "second ends", "first ends"]
        assert [one.name for one in results.figures] == ["first"]
        assert [*results.failed] == ["second"]

    def test_the_table_says_which_targets_are_met(self) -> None:
        found = figure(9, ratio=2, limit=Limit(at_most=5))
        text = table.render(Results(figures=(found, figure(1, name="trip.p99"))))
        assert "at most 5: NOT MET" in text
        assert "2.00 x base" in text
        assert text.endswith("0 of 1 targets met")


class TestOriginalSchedule:
    def test_the_waits_are_fixed(self) -> None:
        fake = types.ModuleType("polling")
        fake.daemon_wait = polling.daemon_wait
        fake.client_wait = polling.client_wait
        original_schedule.apply(fake)
        assert {fake.daemon_wait(0.0), fake.daemon_wait(99.0)} == {0.5}
        assert fake.client_wait(5.0, for_consent=True) == 0.25

    def test_it_fails_when_the_policy_has_moved(self) -> None:
        with pytest.raises(RuntimeError, match="must follow it"):
            original_schedule.apply(types.ModuleType("polling"))


TRACE = """\
7 openat(AT_FDCWD</home/a>, "/home/a/.relay/inbox", O_RDONLY|O_DIRECTORY) = 5</home/a/.relay/inbox>
7 getdents64(5</home/a/.relay/inbox>, 0x1 /* 2 entries */, 32768) = 48
7 newfstatat(5</home/a/.relay/inbox>, "", {st_mode=S_IFDIR|0700}, AT_EMPTY_PATH) = 0
7 close(5</home/a/.relay/inbox>) = 0
7 openat(AT_FDCWD</home/a>, "/proc/self/stat", O_RDONLY) = 5</proc/7/stat>
7 read(3<pipe:[11]>, "", 1) = 0
7 poll([{fd=4<anon_inode:inotify>, events=POLLIN}], 1, 500 <unfinished ...>
8 newfstatat(AT_FDCWD</home/a>, "/usr/bin/git", 0x1, 0) = 0
7 <... poll resumed>) = 0 (Timeout)
7 +++ exited with 0 +++
"""


class TestCalls:
    def test_only_calls_on_files_count_and_those_in_the_home_apart(self) -> None:
        calls = counted(TRACE.splitlines(), Path("/home/a"))
        shared = Counter({"openat": 1, "getdents64": 1})
        assert calls.shared == shared
        assert calls.everywhere == shared + Counter({"newfstatat": 2, "close": 1})

    def test_they_are_listed_with_the_most_frequent_first(self) -> None:
        assert listed(Counter({"close": 2, "openat": 5}), by=2) == "openat 2.5, close 1"
        assert listed(Counter()) == "none"


class TestPage:
    def test_the_targets_become_rows_that_say_whether_they_are_met(self) -> None:
        one = Figure(name="trip.p50", unit="ms", samples=(4.0, 5.0), limit=Limit(at_most=6))
        ratio = Ratio(to="git.p50", samples=(7.0,), limit=Limit(at_most=4))
        two = Figure(name="trip.p99", unit="ms", samples=(9.0,), ratios=(ratio,))
        rows = table.page(Results(machine={}, figures=(one, two))).splitlines()[2:]
        assert rows == [
            "| `trip.p50` | at most 6 ms | 4.50 ms (4.00 to 5.00) | met |",
            "| `trip.p99`, times `git.p50` | at most 4 x | 7.00 x (7.00 to 7.00) | **missed** |",
        ]


class TestSiteModel:
    def results(self) -> Results:
        told = {
            "operations.client": 20.0,
            "operations.daemon": 30.0,
            "idle.daemon.calls": 5.0,
            "idle.client.calls": 2.0,
            "idle.original.calls": 20.0,
        }
        figures = [
            Figure(name=name, unit="calls", samples=(value,), better="less", ours=True)
            for name, value in told.items()
        ]
        return Results(machine={}, figures=figures)

    def test_each_user_adds_what_was_measured(self) -> None:
        idle = site_model.Habits(daemons=1, waiting=0.5, requests=0)
        ours = site_model.ours(self.results())
        assert site_model.load(ours, idle, 100) == pytest.approx(100 * (5 + 1))
        habits = site_model.Habits(daemons=1, waiting=0.5, requests=36)
        looks = 3 * site_model.looks_more(100)
        wanted = 100 * (5 + 1 + 0.01 * (50 + looks))
        assert site_model.load(ours, habits, 100) == pytest.approx(wanted)
        original = site_model.original(self.results())
        assert original.waiting == 12
        assert site_model.load(original, habits, 100) == pytest.approx(100 * (20 + 6 + 0.56))

    def test_a_daemon_looks_more_often_after_a_request_and_no_more_in_the_end(self) -> None:
        # A hundred looks in the first second, more than three a second for a minute and a half.
        assert site_model.looks_more(1) == pytest.approx(100, abs=2)
        assert 350 < site_model.looks_more(90) < 450
        assert site_model.looks_more(600) == pytest.approx(site_model.looks_more(1200), abs=1)

    def test_a_run_without_the_figures_says_which_one_is_missing(self, tmp_path: Path) -> None:
        Results(machine={}, figures=[]).save(tmp_path / "none.json")
        assert site_model.main([str(tmp_path / "none.json")]) == 2

    def test_it_is_printed_for_up_to_ten_thousand_users(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.results().save(tmp_path / "run.json")
        assert site_model.main([str(tmp_path / "run.json")]) == 0
        assert "10,000 users" in capsys.readouterr().out
