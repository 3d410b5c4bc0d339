"""Targets and scorers that worker processes find by name, for tests of the backend."""

import asyncio
import hashlib
import os
import threading
import time
from pathlib import Path

import evalkit


def _draw(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def bot(question: str, repeat: int) -> str:
    """Answer after a moment; fail on every eleventh question."""
    time.sleep(0.002)
    if int(question[1:]) % 11 == 10:
        raise ValueError(f"cannot answer {question}")
    return f"answer to {question}" if _draw(f"{question}{repeat}") < 0.7 else "no idea\n"


def talker(question: str, history: tuple[dict[str, object], ...]) -> str:
    """Answer with what was said before."""
    return f"{question} after {len(history)}"


def deadly(question: str) -> str:
    """Kill the process on one question."""
    if question == "q7":
        os._exit(3)
    return question


def logged(question: str) -> str:
    """Note the call in one atomic write, then answer after 10 ms."""
    log = os.open("calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{question}\n".encode())
    os.close(log)
    time.sleep(0.01)
    return question


def stubborn(question: str) -> str:
    """Leave a thread behind that would keep the process for minutes."""
    threading.Thread(target=time.sleep, args=(300,)).start()
    return question


def doomed(question: str) -> str:
    """Die once on the sixth call, after the run was cancelled."""
    log = os.open("calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{question}\n".encode())
    os.close(log)
    if question == "q5" and not Path("died").exists():
        while not Path("cancelled").exists():
            time.sleep(0.01)
        time.sleep(0.5)
        os.close(os.open("died", os.O_CREAT | os.O_WRONLY))
        os._exit(3)
    return question


@evalkit.scorer
async def slow_score(outputs: str) -> float:
    """Score after a moment, to more digits than a careless format would keep."""
    await asyncio.sleep(0.001)
    return _draw(outputs) / 3.0


@evalkit.scorer
def words(outputs: str) -> dict[str, object]:
    """Score by two metrics at once, one of them a label."""
    return {"count": len(outputs.split()), "kind": "long" if len(outputs) > 9 else "short"}


@evalkit.scorer
def deadly_score(outputs: str) -> bool:
    """Kill the process that scores."""
    os._exit(3 if outputs else 4)


@evalkit.scorer(lane="process")
def lasting(outputs: str) -> float:
    """Note the process, and score for a minute."""
    log = os.open("scoring.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{os.getpid()}\n".encode())
    os.close(log)
    time.sleep(60 if outputs else 61)
    return 1.0


def main() -> None:
    """Evaluate with two workers, in the current folder's store."""
    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(200)]
    runtime = evalkit.Runtime(concurrency=4, backend="processes:2")
    evalkit.evaluate("working:logged", rows, "text.exact_match", name="killed", runtime=runtime)


if __name__ == "__main__":
    main()
