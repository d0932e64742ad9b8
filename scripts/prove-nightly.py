"""Adds up what `ml-connector prove --json` told of consecutive lives, for scripts/prove-nightly.

prove-nightly.py commit STATE            the commit whose lives were lived; nothing if none were
prove-nightly.py begin STATE COMMIT      begins anew
prove-nightly.py next STATE              the first seed that was not lived yet
prove-nightly.py add STATE PART          takes over the lives of a part
prove-nightly.py broke PART              the seed that broke a law
prove-nightly.py broken STATE PART       takes it over, once the lives before it are
prove-nightly.py took STATE SECONDS      how long it took
prove-nightly.py held STATE              fails if a law was broken
prove-nightly.py title STATE             the result in a line
prove-nightly.py page STATE              the result as a page
"""

import json
import os
import pathlib
import sys

# What is told of a part and is no sum.
NOT_ADDED = ("from", "seeds")


def read(state):
    return json.loads(pathlib.Path(state).read_text())


def write(state, told):
    beside = pathlib.Path(state + ".new")
    beside.write_text(json.dumps(told, indent=1) + "\n")
    beside.replace(state)


def following(told):
    return 1 + told["total"].get("lives", 0) + len(told["broken"])


def add(total, part):
    """Adds all numbers, wherever they are."""
    for name, value in part.items():
        if isinstance(value, dict):
            add(total.setdefault(name, {}), value)
        elif isinstance(value, int) and name not in NOT_ADDED:
            total[name] = total.get(name, 0) + value


def take_over(state, file):
    told, part = read(state), read(file)
    if part["failure"] or (part["from"], part["lives"]) != (following(told), part["seeds"]):
        sys.exit(f"{file} is not of whole lives from {following(told)}")
    add(told["total"], part)
    write(state, told)


def take_over_broken(state, file):
    told, failure = read(state), read(file)["failure"]
    if failure["seed"] != following(told):
        sys.exit(f"the lives before {failure['seed']} are missing")
    laws = [{"law": one["law"], "story": one["story"]} for one in failure["violations"]]
    told["broken"].append({"seed": failure["seed"], "violations": laws})
    write(state, told)


def took(state, seconds):
    told = read(state)
    told["seconds"] += seconds
    told["processors"] = os.cpu_count()
    write(state, told)


def verdict(told):
    many = len(told["broken"])
    return f"{many} broke a law" if many else "no law broken"


def title(told):
    return f"{following(told) - 1:,} lives of {told['commit']}: {verdict(told)}"


def page(told):
    commit, total = told["commit"], told["total"]
    print("<!-- Written by scripts/prove-nightly; do not edit. -->\n")
    lived = following(told) - 1
    print(f"# {lived:,} lives under all laws\n")
    print(
        f"Seeds 1 to {lived} of the simulation of {commit}, by `scripts/prove-nightly`: **{verdict(told)}**. "
        "What the laws are, what is assumed and what is left says [proof.md](proof.md), whose lives are the first "
        "of these. Any of them is lived again by `ml-connector prove --from SEED --seeds 1 --story`, with the binary of that commit.\n"
    )
    if told["broken"]:
        print("| seed | law | what was seen |\n|---:|---:|---|")
        for one in told["broken"]:
            for seen in one["violations"]:
                print(f"| {one['seed']} | {seen['law']} | {seen['story']} |")
        print("\nThe others:\n")
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
        (f"minutes, on {told['processors']} processors", round(told["seconds"] / 60)),
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


def main(what, state, *more):
    if what == "commit":
        print(read(state)["commit"] if pathlib.Path(state).exists() else "")
    elif what == "begin":
        write(state, {"commit": more[0], "seconds": 0, "processors": 0, "broken": [], "total": {}})
    elif what == "next":
        print(following(read(state)))
    elif what == "add":
        take_over(state, more[0])
    elif what == "broke":
        print(read(state)["failure"]["seed"])
    elif what == "broken":
        take_over_broken(state, more[0])
    elif what == "took":
        took(state, int(more[0]))
    elif what == "held":
        sys.exit(verdict(read(state)) if read(state)["broken"] else 0)
    elif what == "title":
        print(title(read(state)))
    elif what == "page":
        page(read(state))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
