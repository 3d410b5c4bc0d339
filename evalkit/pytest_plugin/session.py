"""Suites in one test session: collected, selected, run when first needed, and looked up."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import pytest

from evalkit.errors import EvalkitError, InterruptedRunError, near_miss
from evalkit.evaluation.results.exporting import check_report, check_writable
from evalkit.llm.secrets import masked, masked_json
from evalkit.pytest_plugin.fixtures import check_function, fixture_names
from evalkit.pytest_plugin.items import BODY, CaseItem, GateItem
from evalkit.pytest_plugin.marks import FOLDER, SUMMARY, SuiteCollectError, mark_of
from evalkit.pytest_plugin.options import session_options
from evalkit.pytest_plugin.summary import Summary
from evalkit.settings import github_actions
from evalkit.suites.case import CaseOutcomes, CaseStatus
from evalkit.suites.gates import health_item, judge_names
from evalkit.suites.ledger import SessionLedger
from evalkit.suites.quarantine import read_quarantine
from evalkit.suites.run import SuiteFailedError, SuiteRun
from evalkit.suites.suite import CasesMark, GatesMark, Suite
from evalkit.suites.target import EXPECTED, HISTORY, SKIPPED, SuiteTarget
from evalkit.targets.version import project_folder

_ITEM = pytest.StashKey[CaseItem | GateItem]()
_SIGNALS: Final[dict[type[BaseException], str | None]] = {
    pytest.skip.Exception: SKIPPED,
    pytest.xfail.Exception: EXPECTED,  # is a `fail.Exception`, too
    pytest.fail.Exception: None,
}
_SKIP = pytest.mark.skip(reason="--evalkit-skip")


class SuiteSession:
    """Runs the suites of one process; registered when the first mark is met."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the options.

        Raises:
            EvalkitError: If one is wrong.
        """
        self.options = session_options(config)
        for report in self.options.report:
            check_report(Path(report))  # before a call is paid for what cannot be written
        github = github_actions()
        if github is not None and github.summary is not None:
            check_writable(github.summary)
        file = self.options.quarantine
        self._quarantines = {} if file is None else read_quarantine(Path(file))
        self._runs: dict[Suite, SuiteRun] = {}
        self._outcomes: dict[Suite, CaseOutcomes] = {}
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        if worker is None:
            summary = Summary(config)
            config.pluginmanager.register(summary, SUMMARY)
            folder = summary.folder
        else:
            folder = Path(worker[FOLDER])
        folder.mkdir(exist_ok=True, mode=0o700)
        self._ledger = SessionLedger(folder)

    def generate(self, metafunc: pytest.Metafunc, mark: CasesMark | GatesMark) -> None:
        """Make the items of one test function.

        Raises:
            CollectError: If data, gates or fixtures are wrong; nothing was called.
        """
        name = metafunc.function.__name__
        if self.options.skip:
            argument = "case" if isinstance(mark, CasesMark) else "evaluation"
            metafunc.parametrize(argument, [pytest.param(None, marks=_SKIP, id="skipped")])
            return
        if mark.suite not in self._runs:
            self._runs[mark.suite] = SuiteRun(
                suite=mark.suite,
                key=metafunc.definition.nodeid,
                ledger=self._ledger,
                options=self.options,
                tell=_teller(metafunc.config),
                folder=project_folder(metafunc.definition.path.parent),
            )
        run = self._runs[mark.suite]
        try:
            if isinstance(mark, CasesMark):
                check_function(metafunc)
                body = metafunc.function
                run.target = SuiteTarget(body=body, signals=_SIGNALS, version=mark.version)
                run.owner = metafunc.cls
                if HISTORY in metafunc.fixturenames:  # pytest looks for each argument's value
                    pairs = [(case_id, ()) for case_id in run.ids]
                    metafunc.parametrize(("case", HISTORY), pairs, ids=run.ids)
                else:
                    metafunc.parametrize("case", run.ids, ids=run.ids)
                return
            if mark.suite.cases_mark is None and "outputs" not in run.cases.fields:
                raise SuiteCollectError(
                    f"{name}: suite {mark.suite.name!r} has neither a function of cases nor data "
                    "with outputs, so there is nothing to gate."
                )
            has_loop = metafunc.config.pluginmanager.has_plugin("asyncio")
            if inspect.iscoroutinefunction(metafunc.function) and not has_loop:
                raise SuiteCollectError(f"{name}: the body of a gate cannot be async.")
            healths: list[str] = []
            if not run.gates:  # once, however many functions of gates there are
                run.judges = judge_names(mark.suite.scorers)
                healths = [health_item(judge) for judge in run.judges]
        except EvalkitError as error:
            raise SuiteCollectError(f"{name}: {error}") from error
        run.gates += mark.conditions
        conditions = [*mark.conditions, *healths, BODY]
        metafunc.parametrize("evaluation", conditions, ids=conditions)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which cases were selected, so that a suite runs just those."""
        selections: dict[Suite, set[str]] = {}
        for item in session.items:
            mark = mark_of(getattr(item, "function", None))
            if mark is None or not isinstance(item, pytest.Function) or self.options.skip:
                continue
            if isinstance(mark, CasesMark):
                selection = selections.setdefault(mark.suite, set())
                if item.get_closest_marker("skip") is None:
                    selection.add(_parameter(item, "case"))
            elif mark.suite.function is not None:
                # A gate has the fixtures of its cases, since it may be the first to need them.
                names = fixture_names(mark.suite.function)
                item.fixturenames.extend(n for n in names if n not in item.fixturenames)
        if self._runs:
            self._remark_on_quarantine(session.config)
        for suite, run in self._runs.items():
            if suite in selections:  # else only the gate was asked for, and it needs all cases
                run.selection = [case_id for case_id in run.ids if case_id in selections[suite]]

    def _remark_on_quarantine(self, config: pytest.Config) -> None:
        """Say which suites and cases of the quarantine there are not."""
        runs = {run.suite.name: run for run in self._runs.values()}
        is_whole = config.args_source is not config.ArgsSource.ARGS
        for name, cases in self._quarantines.items():
            if name in runs:
                with contextlib.suppress(EvalkitError):  # told already: its data cannot be read
                    ids = runs[name].ids
                    gone = set() if self.options.sample else cases.keys() - set(ids)
                    for case in sorted(gone):
                        self._ledger.remark(
                            f"quarantine: suite {name!r} has no case {case!r}."
                            f"{near_miss(case, ids)}"
                        )
            elif is_whole or near_miss(name, runs):  # else it may be one that was not asked for
                hint = near_miss(name, runs)
                self._ledger.remark(f"quarantine: there is no suite {name!r}.{hint}")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Run a suite when its first item is set up; what it lacks is an error, not a failure."""
        mark = mark_of(getattr(item, "function", None))
        if mark is None or not isinstance(item, pytest.Function):
            return
        if item.config.getoption("setuponly", default=False):
            return
        run = self._runs[mark.suite]
        try:
            self._suspend_time_limit(item, run)
            view = self._view(item, mark)
            properties = view.properties()
        except InterruptedRunError as error:
            self._ledger.remark(
                f"{run.suite.name}: interrupted after {error.done} of {error.total} cases; run it "
                "again: what was recorded is not asked twice."
            )
            raise KeyboardInterrupt from error
        except SuiteFailedError as error:
            if error.failure.item != item.nodeid:
                pytest.skip(f"{error}; {error.failure.item} says more")
            raise pytest.fail.Exception(str(error), pytrace=False) from None  # asked once more
        except EvalkitError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        item.user_properties += properties
        item.stash[_ITEM] = view  # only now: the report of an item asks for what was decided
        view.check_measured()

    @staticmethod
    def _suspend_time_limit(item: pytest.Function, run: SuiteRun) -> None:
        """Let the limit of one test, by pytest-timeout, be that of each case and not of all.

        The first test of a suite runs every case; a limit that ended it would throw away what all
        of them have cost.
        """
        stop = getattr(item.ihook, "pytest_timeout_cancel_timer", None)
        if stop is None or (run.is_evaluated and getattr(item, "execution_count", 1) == 1):
            return
        stop(item=item)
        marker = item.get_closest_marker("timeout")
        limit = getattr(item.config, "_env_timeout", None)
        if marker is not None:
            limit = marker.kwargs.get("timeout", *marker.args[:1])
        run.time_limit = limit or None

    def _view(self, item: pytest.Function, mark: CasesMark | GatesMark) -> CaseItem | GateItem:
        run = self._runs[mark.suite]
        if isinstance(mark, GatesMark):
            condition = _parameter(item, "evaluation")
            if run.is_partial:
                count = len(run.selection or ())
                pytest.skip(f"only {count} of {len(run.ids)} cases of the suite were selected")
            result = run.result(self._fixtures(item, run), item.nodeid)
            return GateItem(run=run, result=result, condition=condition)
        case_id = _parameter(item, "case")
        fixtures = self._fixtures(item, run)
        is_rerun = getattr(item, "execution_count", 1) > 1
        is_first = not run.is_evaluated
        if mark.suite not in self._outcomes:
            result = run.result(fixtures, item.nodeid)
            self._outcomes[mark.suite] = CaseOutcomes(result, mark.must, run.min_pass)
        outcomes = self._outcomes[mark.suite]
        if is_rerun and not is_first:  # pytest-rerunfailures asks for a new answer
            again = CaseOutcomes(run.again(case_id, fixtures), mark.must, run.min_pass)
            if again.outcome(case_id).status is not CaseStatus.BUDGET:  # else the old one stands
                outcomes = again
        quarantine = self._quarantines.get(mark.suite.name, {}).get(case_id)
        return CaseItem(run=run, case_id=case_id, outcomes=outcomes, quarantine=quarantine)

    def _fixtures(self, item: pytest.Function, run: SuiteRun) -> dict[str, Any]:
        """Return the fixtures of the body, which is bound to an instance where it is a method."""
        function, mark = run.suite.function, run.suite.cases_mark
        if function is None or mark is None:
            return {}
        if run.target is None:  # the module of the cases is imported, not collected
            run.target = SuiteTarget(body=function, signals=_SIGNALS, version=mark.version)
        if run.owner is not None:
            is_case = isinstance(mark_of(item.function), CasesMark)
            if is_case:
                instance = item.instance
            else:
                instance = run.owner() if run.is_evaluated else _set_up(run.owner, function)
            run.target.body = getattr(instance, function.__name__)
        return {name: item.funcargs[name] for name in fixture_names(function)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Look at what came of a case or gate; the body of a gate is run."""
        if _ITEM not in pyfuncitem.stash:
            return None
        view = pyfuncitem.stash[_ITEM]
        if isinstance(view, GateItem) and view.condition == BODY:
            view.run_body(pyfuncitem)
        else:
            view.check_passed()
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report what the summary needs, in whichever process that is."""
        report = yield
        mark = mark_of(getattr(item, "function", None))
        if mark is None or mark.suite not in self._runs:
            return report
        if report.failed and masked(str(report.longrepr)) != str(report.longrepr):
            report = _masked(report, item.config)
        view = item.stash.get(_ITEM, None)
        is_told = view is not None and report.when != "teardown"
        if isinstance(view, CaseItem):  # not when it was looked up, but when it was run
            report.duration = view.seconds if report.when == "call" else 0.0
        if view is not None and is_told:
            entry = view.entry() | {"failed": report.failed}
            if entry["name"] == BODY:
                entry["name"] = f"{BODY} of {getattr(item, 'originalname', item.name)}"
            if report.failed and not entry["lines"]:  # the body of a gate, or a gate that is wrong
                entry |= {"lines": [_first_line(report)]}
            vars(report)["evalkit"] = entry
        elif report.failed:
            vars(report)["evalkit"] = {
                "suite": self._runs[mark.suite].key,
                "kind": "error",
                "name": f"{report.when} of {item.name}",
                "status": "FAIL",
                "lines": [_first_line(report)],
                "flaky": None,
                "failed": True,
                "level": "error",
            }
        return report


def _teller(config: pytest.Config) -> Callable[[str], None] | None:
    """Return what writes a line below the dots; workers of pytest-xdist have no such place."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return None

    def tell(line: str) -> None:
        reporter.ensure_newline()
        reporter.write_line(line)
        reporter.flush()

    return tell


def _masked(report: pytest.TestReport, config: pytest.Config) -> pytest.TestReport:
    """Return *report* without the secrets that what was raised may show."""
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    clean = json.loads(masked_json(json.dumps(data, default=str).encode()))
    copy: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=clean)
    return copy


def _set_up(owner: type, function: Callable[..., Any]) -> Any:
    """Return an instance with the setup of its class and method, as a case of it would have."""
    instance = owner()
    steps = {"setup_class": owner, "setup_method": getattr(instance, function.__name__)}
    for name, argument in steps.items():
        step = getattr(instance, name, None)
        if step is not None:
            step(*([argument] if inspect.signature(step).parameters else []))
    return instance


def _first_line(report: pytest.TestReport) -> str:
    """Return what a failed test raised, on one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr if crash is None else crash.message)
    return text.partition("\n")[0]


def _parameter(item: pytest.Function, name: str) -> str:
    return str(item.callspec.params[name])
