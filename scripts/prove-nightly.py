"""Adds up what `ml-connector prove --json` told of consecutive lives, as a page: prove-nightly.py COMMIT FROM SEEDS FOLDER."""

import json
import os
import pathlib
import sys


def main(commit, first, seeds, folder):
    end, at, total, seconds = first + seeds, first, {}, 0
    known = {}
    for path in pathlib.Path(folder).glob("*-*.json"):
        begin, count = (int(number) for number in path.stem.split("-"))
        known[begin] = (count, path)
    while at < end:
        if at not in known:
            sys.exit(f"seed {at} was not lived: {folder} has no part that begins with it")
        count, path = known[at]
        part = json.loads(path.read_text())
        if part["failure"] or (part["from"], part["lives"]) != (at, count):
            sys.exit(f"{path} is not of {count} whole lives from {at}")
        add(total, part)
        seconds += int(path.with_suffix(".json.seconds").read_text())
        at += count
    if at != end:
        sys.exit(f"the last part ends at {at - 1}, not at {end - 1}")
    page(commit, first, end, total, seconds)


def add(total, part):
    """Adds all numbers, wherever they are."""
    for name, value in part.items():
        if isinstance(value, dict):
            add(total.setdefault(name, {}), value)
        elif isinstance(value, int) and name not in ("from",):
            total[name] = total.get(name, 0) + value


def page(commit, first, end, total, seconds):
    print("<!-- Written by scripts/prove-nightly; do not edit. -->\n")
    print(f"# {total['lives']:,} lives under all laws\n")
    print(
        f"Seeds {first} to {end - 1} of the simulation of {commit}, by `scripts/prove-nightly`: **no law broken**. "
        "What the laws are, what is assumed and what is left says [proof.md](proof.md), whose lives are the first "
        "of these. Any of them is lived again by `ml-connector prove --from SEED --seeds 1 --story`, with the binary of that commit.\n"
    )
    print("| | |\n|---|---:|")
    rows = [
        ("lives", total["lives"]),
        ("simulated hours", total["simulated_hours"]),
        ("turns", total["turns"]),
        ("steps of the engine", total["steps"]),
        ("processes that died", total["deaths"]),
        ("reads", total["reads"]),
        ("writes", sum(total["writes"].values())),
        ("audits of all customers", total["audits"]),
        ("customers that waited for a person in the end", total["held"]),
        (f"minutes, on {os.cpu_count()} processors", round(seconds / 60)),
    ]
    for name, value in rows:
        print(f"| {name} | {value:,} |")
    for what in ("writes", "faults"):
        print(f"\n| {what} | count |\n|---|---:|")
        for name, count in sorted(total[what].items()):
            print(f"| {name} | {count:,} |")
    fates = sorted({fate for met in total["coverage"].values() for fate in met})
    print("\n## Which fate met which step\n")
    print("| step | " + " | ".join(fates) + " |\n|---|" + "---:|" * len(fates))
    for step, met in sorted(total["coverage"].items()):
        print(f"| {step} | " + " | ".join(f"{met[fate]:,}" if fate in met else "" for fate in fates) + " |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
