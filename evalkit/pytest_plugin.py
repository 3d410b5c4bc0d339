"""The pytest plug-in: suites become native items; without a suite it does nothing at all.

Nothing of evalkit is imported here at the top, so that a session without suites pays only for
this file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalkit.evaluation.suite import CasesMark, GatesMark, Suite
    from evalkit.evaluation.suite_run import SuiteRun

_BODY = "body"
_RUNS = pytest.StashKey["dict[Suite, SuiteRun]"]()
_FOLDER = pytest.StashKey[Path]()


def _mark(function: Any) -> CasesMark | GatesMark | None:
    return getattr(function, "__evalkit__", None)


def _worker(config: pytest.Config) -> Mapping[str, Any] | None:
    """Return what pytest-xdist tells its workers; ``None`` in a session of one process."""
    return getattr(config, "workerinput", None)


def _folder(config: pytest.Config) -> Path:
    """Return the folder that all processes of this session share."""
    if _FOLDER not in config.stash:
        worker = _worker(config)
        if worker is None:
            config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="evalkit-suites-"))
        else:
            shared = f"evalkit-suites-{worker['testrunuid']}"
            config.stash[_FOLDER] = Path(tempfile.gettempdir()) / shared
            config.stash[_FOLDER].mkdir(exist_ok=True, mode=0o700)
    return config.stash[_FOLDER]


def _run(config: pytest.Config, suite: Suite) -> SuiteRun:
    from evalkit.evaluation.suite_run import SuiteRun

    runs = config.stash.setdefault(_RUNS, {})
    if suite not in runs:
        runs[suite] = SuiteRun(
            suite=suite, folder=_folder(config), skip_types=(pytest.skip.Exception,)
        )
    return runs[suite]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each case of a suite, and one for each condition of its gates."""
    mark = _mark(metafunc.function)
    if mark is None:
        return
    from evalkit.errors import EvalkitError
    from evalkit.evaluation.suite import CasesMark

    run = _run(metafunc.config, mark.suite)
    try:
        if isinstance(mark, CasesMark):
            _check_fixtures(metafunc)
            run.body = metafunc.function
            ids = run.ids
            metafunc.parametrize("case", ids, ids=ids)
            return
        if mark.suite.cases_mark is None and "outputs" not in run.cases.fields:
            raise pytest.UsageError(
                f"{metafunc.function.__name__}: suite {mark.suite.name!r} has neither a function "
                "of cases nor data with outputs, so there is nothing to gate."
            )
    except EvalkitError as error:
        raise pytest.UsageError(f"{metafunc.function.__name__}: {error}") from error
    conditions = [*mark.conditions, _BODY]
    metafunc.parametrize("evaluation", conditions, ids=conditions)


def _check_fixtures(metafunc: pytest.Metafunc) -> None:
    """Refuse fixtures that would have to be made anew for each case."""
    definitions = metafunc.definition._fixtureinfo.name2fixturedefs  # noqa: SLF001
    for name in metafunc.fixturenames:
        found = definitions.get(name)
        if name != "case" and found and found[-1].scope in {"function", "class"}:
            if found[-1].func.__module__.startswith("_pytest") and name != "request":
                autouse = name not in metafunc.definition._fixtureinfo.argnames  # noqa: SLF001
                if autouse:
                    continue
            if name in metafunc.definition._fixtureinfo.argnames:  # noqa: SLF001
                raise pytest.UsageError(
                    f"{metafunc.function.__name__}: fixture {name!r} has {found[-1].scope} scope; "
                    "cases run together, so give it session, package or module scope."
                )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which cases were selected, so that a suite runs just those."""
    runs = session.config.stash.get(_RUNS, None)
    if not runs:
        return
    chosen: dict[Suite, list[str]] = {}
    for item in session.items:
        mark = _mark(getattr(item, "function", None))
        if mark is not None and isinstance(item, pytest.Function) and "case" in _params(item):
            chosen.setdefault(mark.suite, []).append(_params(item)["case"])
    for suite, run in runs.items():
        if run.body is not None:
            picked = set(chosen.get(suite, ()))
            run.selected = [case_id for case_id in run.ids if case_id in picked]
            if not run.selected:  # only the gate was asked for: it needs all cases
                run.selected = None


def _params(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a suite when its first item is reached; later items look at what came of them."""
    mark = _mark(pyfuncitem.function)
    if mark is None:
        return None
    from evalkit.evaluation.suite import CasesMark

    run = _run(pyfuncitem.config, mark.suite)
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001
    if isinstance(mark, CasesMark):
        fixtures = {name: pyfuncitem.funcargs[name] for name in names if name != "case"}
        _case(pyfuncitem, run, mark, fixtures)
    else:
        others = {name: pyfuncitem.funcargs[name] for name in names if name != "evaluation"}
        _gate(pyfuncitem, run, others)
    return True


def _case(item: pytest.Function, run: SuiteRun, mark: CasesMark, fixtures: dict[str, Any]) -> None:
    case_id: str = _params(item)["case"]
    result = run.result(fixtures)
    _record(item, run, case_id)
    for repeat in run.failures(case_id, mark, result):
        reason, explanation = run.explanation(case_id, repeat, result)
        error = run.errors.get((case_id, repeat))
        if error is not None:
            raise error
        pytest.fail(f"{reason}: {explanation}", pytrace=False)
    skipped = run.skip_reason(case_id, result)
    if skipped is not None:
        pytest.skip(skipped)
    problems = run.problems(case_id, mark, result)
    if problems:
        pytest.fail("\n".join([f"case {case_id} does not pass:", *problems]), pytrace=False)


def _record(item: pytest.Function, run: SuiteRun, case_id: str) -> None:
    for key, value in run.scores(case_id):
        item.user_properties.append((key, value))


def _gate(item: pytest.Function, run: SuiteRun, others: dict[str, Any]) -> None:
    condition: str = _params(item)["evaluation"]
    if run.is_partial:
        selected = len(run.selected or ())
        pytest.skip(f"only {selected} of {len(run.ids)} cases of the suite were selected")
    result = run.result(_suite_fixtures(item, run))
    if condition == _BODY:
        item.obj(evaluation=result, **others)
        return
    verdict = result.check(condition)
    item.user_properties.append(("evalkit.verdict", str(verdict.status)))
    if verdict.status != "PASS":
        pytest.fail("\n".join(f"{c.status}  {c.why}" for c in verdict.conditions), pytrace=False)


def _suite_fixtures(item: pytest.Function, run: SuiteRun) -> dict[str, Any]:
    """Return the fixtures that the function of cases names, where a gate is reached first."""
    if run.body is None:
        return {}
    names = [name for name in _argument_names(run.body) if name != "case"]
    return {name: item._request.getfixturevalue(name) for name in names}  # noqa: SLF001


def _argument_names(function: Any) -> list[str]:
    import inspect

    return list(inspect.signature(function).parameters)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Remove the session's folder, unless another process of the session still uses it."""
    yield
    config = session.config
    config.stash.get(_RUNS, {}).clear()
    if _FOLDER not in config.stash:
        return
    folder = config.stash[_FOLDER]
    worker = _worker(config)
    if worker is not None:  # the last worker to leave removes what all of them shared
        (folder / f"left-{worker['workerid']}").touch()
        if len(list(folder.glob("left-*"))) < worker["workercount"]:
            return
    shutil.rmtree(folder, ignore_errors=True)
