"""A program that evaluates and judges by batches: ``batched.py BASE_URL CASES [RESUME]``."""

import json
import sys

import evalkit


def main() -> None:
    """Evaluate, in the current folder's store; print scores and usage as JSON."""
    base_url, cases = sys.argv[1], int(sys.argv[2])
    batch = {"poll_seconds": 0.06, "requests": 40}
    if len(sys.argv) > 3:
        result = evalkit.resume(sys.argv[3])
    else:
        judge = evalkit.make_judge(
            name="fine",
            instructions="Is {{ outputs }} fine?",
            choices={"yes": 1.0, "no": 0.0},
            model="openai/j",
            base_url=base_url,
        )
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=base_url),
            [{"question": f"q{n}", "expected": f"a{n}"} for n in range(cases)],
            ["text.exact_match", judge],
            name="batched",
            runtime=evalkit.Runtime(batch=batch, prices={"openai/m": (1.0, 2.0)}),
        )
    table = result.table()
    scores = table[["text.exact_match", "fine"]].to_numpy().tolist()
    usage = {role: [used.calls, used.cached, used.cost] for role, used in result.usage.items()}
    sys.stdout.write(json.dumps({"scores": scores, "usage": usage}))


if __name__ == "__main__":
    main()
