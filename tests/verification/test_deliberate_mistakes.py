"""Deliberate mistakes in the money code: each breaks at least one of the ordinary tests.

A mistake replaces one text of one module, in a copy of the package. There the hand-worked tests of
contracts run until the first failure: in plain Python, so that nothing is compiled, and without
the property tests, so that a case that a reader can check finds the mistake.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BY_HAND = (
    "tests/unit/test_contracts_by_hand.py",
    "tests/unit/test_contracts_from_terms.py",
    "tests/verification/test_contracts.py",
    "tests/verification/test_mssp.py",
)
CHANCE = ("tests/verification/test_claims_noise.py",)
# Quickly: asserts are not rewritten, garbage is not collected after each run, nothing is kept.
WITHOUT = ("cacheprovider", "unraisableexception", "threadexception")
OPTIONS = (
    "-x", "-q", "--tb=no", "--assert=plain", "-m", "not hypothesis",
    *(word for name in WITHOUT for word in ("-p", f"no:{name}")),
)  # fmt: skip

# module -> what is wrong -> (old text, new text)
MISTAKES: dict[str, dict[str, tuple[str, str]]] = {
    "contracts": {
        "sequestration after the payment limit": (
            "limited(paid, c.payment_limit, benchmark)",
            "sequestered(limited(shared, c.payment_limit, benchmark), c.sequestration)",
        ),
        "sequestration before minimum and rate": (
            "gross = gross_savings(benchmark, expenditure)",
            "gross = sequestered(gross_savings(benchmark, expenditure), c.sequestration)",
        ),
        "sequestration of losses, too": (
            "owed = lost * c.loss_rate * c.losses_counted",
            "owed = sequestered(lost * c.loss_rate * c.losses_counted, c.sequestration)",
        ),
        "no sequestration": (
            "paid = sequestered(shared, c.sequestration)",
            "paid = shared",
        ),
        "beyond the minimum instead of from the first dollar": (
            "gross - excess_only * minimum_rate * benchmark",
            "gross - minimum_rate * benchmark",
        ),
        "always from the first dollar": (
            "return gross - excess_only * minimum_rate * benchmark",
            "return gross",
        ),
        "exceeds the minimum instead of meets or exceeds": (
            "gross / benchmark < minimum_rate",
            "gross / benchmark <= minimum_rate",
        ),
        "minimum as a share of expenditure": (
            "gross / benchmark < minimum_rate",
            "gross / (benchmark - gross) < minimum_rate",
        ),
        "minimum rate rounded to 3 digits": (
            "rate = ends / (upper[k] - lower[k])",
            "rate = round(ends / (upper[k] - lower[k]), 3)",
        ),
        "minimum rate rounded to 4 digits": (
            "rate = ends / (upper[k] - lower[k])",
            "rate = round(ends / (upper[k] - lower[k]), 4)",
        ),
        "minimum rate in steps": (
            "rate = ends / (upper[k] - lower[k])",
            "rate = rate_at_lower[k]",
        ),
        "ends of a band exchanged": (
            "rate_at_lower[k] * (upper[k] - n) + rate_at_upper[k] * (n - lower[k])",
            "rate_at_upper[k] * (upper[k] - n) + rate_at_lower[k] * (n - lower[k])",
        ),
        "scale goes on beyond its end": (
            "n = min(members, upper[k])",
            "n = members",
        ),
        "losses have the minimum of savings": (
            "counted_losses(gross, benchmark, c.minimum_loss_rate,",
            "counted_losses(gross, benchmark, c.minimum_savings_rate,",
        ),
        "part of the rate below the minimum also above it": (
            "if counted > 0.0:",
            "if counted < 0.0:",
        ),
        "whole savings below the minimum": (
            "below * c.sharing_rate * c.below_minimum_share",
            "below * c.below_minimum_share",
        ),
        "quality has no effect": (
            "shared = offered * c.quality_share * c.savings_counted",
            "shared = offered * c.savings_counted",
        ),
        "guardrail has no effect": (
            "shared = offered * c.quality_share * c.savings_counted",
            "shared = offered * c.quality_share",
        ),
        "quality scales when the standard pays all": (
            "return 1.0 - scales * (1.0 - score)",
            "return score",
        ),
        "score must exceed the gate": (
            "if score < gate:",
            "if score <= gate:",
        ),
        "tier's rate on everything": (
            "above = min(counted, max(0.0, gross - tier_above[k] * benchmark))",
            "above = counted if gross > tier_above[k] * benchmark else 0.0",
        ),
        "tier shares what the minimum took": (
            "above = min(counted, max(0.0, gross - tier_above[k] * benchmark))",
            "above = max(0.0, gross - tier_above[k] * benchmark)",
        ),
        "tier's rate on top of the rate below": (
            "(tier_rate[k] - below) * above",
            "tier_rate[k] * above",
        ),
        "second tier counts from the flat rate": (
            "        below = tier_rate[k]\n",
            "",
        ),
        "loss rate: floor and ceiling exchanged": (
            "min(ceiling, max(floor, 1.0 - sharing_rate * score))",
            "min(floor, max(ceiling, 1.0 - sharing_rate * score))",
        ),
        "loss rate without a floor": (
            "min(ceiling, max(floor, 1.0 - sharing_rate * score))",
            "min(ceiling, 1.0 - sharing_rate * score)",
        ),
        "loss rate without a ceiling": (
            "min(ceiling, max(floor, 1.0 - sharing_rate * score))",
            "max(floor, 1.0 - sharing_rate * score)",
        ),
        "loss rate as the sharing rate": (
            "1.0 - sharing_rate * score",
            "sharing_rate * score",
        ),
        "loss limit before the loss rate": (
            "most = min(owed, c.loss_limit)",
            "most = min(lost, c.loss_limit) * c.loss_rate * c.losses_counted",
        ),
        "forgiveness before the loss limit": (
            "after_forgiveness(most, c.forgiven)",
            "min(after_forgiveness(owed, c.forgiven), c.loss_limit)",
        ),
        "forgiveness before the loss rate": (
            "after_forgiveness(most, c.forgiven)",
            "min(after_forgiveness(lost, c.forgiven) * c.loss_rate, c.loss_limit)",
        ),
        "forgiveness beyond the loss": (
            "return max(0.0, loss - forgiven)",
            "return loss - forgiven",
        ),
        "the higher of two loss limits": (
            "limit = min(limit, revenue_share * revenue)",
            "limit = max(limit, revenue_share * revenue)",
        ),
        "loss limit by revenue only": (
            "limit = min(limit, revenue_share * revenue)",
            "limit = revenue_share * revenue",
        ),
        "payment limit on savings instead of the benchmark": (
            "limited(paid, c.payment_limit, benchmark)",
            "limited(paid, c.payment_limit, max(0.0, gross))",
        ),
        "payment limit on expenditure": (
            "limited(paid, c.payment_limit, benchmark)",
            "limited(paid, c.payment_limit, expenditure)",
        ),
        "capture cap on the payment": (
            "limited(payment, cap, max(0.0, payer_saving))",
            "limited(payment, cap, payment)",
        ),
        "capture from a payer that loses": (
            "limited(payment, cap, max(0.0, payer_saving))",
            "limited(payment, cap, payer_saving)",
        ),
        "capture stops at once": (
            "return share * (none_from - years_of_spending) / (none_from - full_until)",
            "return 0.0",
        ),
        "capture tapers from an empty fund on": (
            "share * (none_from - years_of_spending) / (none_from - full_until)",
            "share * (none_from - years_of_spending) / none_from",
        ),
        "capture never stops": (
            "if years_of_spending >= none_from:",
            "if years_of_spending < 0.0:",
        ),
        "fee added to savings": (
            "return gross - fee",
            "return gross + fee",
        ),
        "effect of everybody instead of those served": (
            "return people_served * saving_each / (members * cost_each)",
            "return saving_each / cost_each",
        ),
        "settlement paid from its month on": (
            "if month == period_end + lag",
            "if month >= period_end + lag",
        ),
        "interim loss collected early": (
            "interim_share * max(0.0, estimate)",
            "interim_share * estimate",
        ),
        "interim payment paid twice": (
            "return settled - interim",
            "return settled",
        ),
        "exit rights reversed": (
            "return 0.0 if loss > exit_loss else 1.0",
            "return 1.0 if loss > exit_loss else 0.0",
        ),
        "fee at risk pays the whole": (
            "return fee * (1.0 - at_risk_share * (1.0 - achieved))",
            "return fee",
        ),
        "whole fee at risk": (
            "return fee * (1.0 - at_risk_share * (1.0 - achieved))",
            "return fee * achieved",
        ),
        "part at risk never paid": (
            "return fee * (1.0 - at_risk_share * (1.0 - achieved))",
            "return fee * (1.0 - at_risk_share)",
        ),
        "withhold earned back beyond its limit": (
            "return pool * earn_back_limit * achieved",
            "return pool * achieved",
        ),
        "withhold: all that was missed is forfeited": (
            "return pool * earn_back_limit * (1.0 - achieved)",
            "return pool * (1.0 - achieved)",
        ),
        "withhold: released parts do not sum": (
            "return pool * (1.0 - earn_back_limit) + missed * forfeit_released",
            "return pool * (1.0 - earn_back_limit)",
        ),
        "withhold: payer keeps what is released": (
            "return missed * (1.0 - forfeit_released)",
            "return missed",
        ),
        "start of the bands ignored": (
            "if reduction < start:",
            "if reduction < 0.0:",
        ),
        "start of the bands must be exceeded": (
            "if reduction < start:",
            "if reduction <= start:",
        ),
        "start of the bands as a deductible": (
            "min(reduction, upper[k]) - lower[k])",
            "min(reduction, upper[k]) - max(start, lower[k]))",
        ),
        "all bands at the first rate": (
            "per_point[k] * 100.0",
            "per_point[0] * 100.0",
        ),
        "the highest band's rate on everything": (
            "paid += per_point[k] * 100.0 * max(0.0, min(reduction, upper[k]) - lower[k])",
            "paid = per_point[k] * 100.0 * min(reduction, upper[-1]) * (reduction > lower[k])",
        ),
        "shares for percentage points": (
            "per_point[k] * 100.0",
            "per_point[k]",
        ),
        "no maximum": (
            "return min(maximum, max(minimum, total))",
            "return max(minimum, total)",
        ),
        "no minimum": (
            "return min(maximum, max(minimum, total))",
            "return min(maximum, total)",
        ),
        "area shock averaged out by members": (
            "person_level + area_sd * z_area",
            "(person_level + area_sd * z_area)",
        ),
        "baseline's variance for its sd": (
            "np.sqrt(baseline_factor) * z_baseline",
            "baseline_factor * z_baseline",
        ),
    },
    "settlement": {
        "fee added to savings": (
            "row.expenditure + rules.fee",
            "row.expenditure - rules.fee",
        ),
        "quality scales when the standard pays all": (
            'by_score = terms.pays == "score" if met else True',
            "by_score = True",
        ),
        "alternative standard pays all": (
            'by_score = terms.pays == "score" if met else True',
            'by_score = terms.pays == "score" and met',
        ),
        "alternative standard pays in all years": (
            'alternative = terms.alternative_pays == "score" and row.met_alternative is True',
            "alternative = row.met_alternative is True",
        ),
        "failed quality pays all the same": (
            'return 0.0, "quality standard not met"',
            'return 1.0, "quality standard not met"',
        ),
        "gate ignored when the standard pays all": (
            "if not by_score and rules.gate <= 0:",
            "if not by_score:",
        ),
        "a final rate of 0 reveals nothing": (
            "return row.final_rate != 0.0 and not row.met_alternative",
            "return not row.met_alternative",
        ),
        "guardrail takes losses, too": (
            "losses_counted=pays,",
            "losses_counted=pays * (rules.guardrail_pays if row.guardrail else 1.0),",
        ),
        "guardrail for all": (
            "rules.guardrail_pays if row.guardrail else 1.0",
            "rules.guardrail_pays if row.guardrail is not None else 1.0",
        ),
        "termination pays all": (
            "pays = rules.terminated_pays if row.terminated else 1.0",
            "pays = 1.0",
        ),
        "lowest loss rate where quality failed": (
            "        return rate.ceiling.central",
            "        return rate.floor.central",
        ),
        "whole disaster adjustment for half a year": (
            "share = rules.half_year_share if row.six_month else 1.0",
            "share = 1.0",
        ),
        "half the disaster adjustment for all": (
            "share = rules.half_year_share if row.six_month else 1.0",
            "share = rules.half_year_share",
        ),
        "printed minimum instead of the unrounded scale": (
            "return float(contracts.minimum_rate_by_members(row.members, *rules.scale))",
            "return printed or float(contracts.minimum_rate_by_members(row.members, *rules.scale))",
        ),
        "scale although another minimum is elected": (
            "if printed is not None and abs(printed - rate) < 1e-9:",
            "if printed is not None and abs(printed - rate) < 0.0:",
        ),
        "losses always have the minimum of savings": (
            "loss_minimum = minimum if rules.loss_minimum is None else rules.loss_minimum",
            "loss_minimum = minimum",
        ),
        "part of the rate below the minimum for all": (
            "return fits and (",
            "return fits or (",
        ),
        "part of the rate below the minimum for high revenue": (
            "fits = not below.low_revenue_only or",
            "fits = below.low_revenue_only or",
        ),
        "agreements that begin on the first day left out": (
            "since >= below.agreement_from",
            "since > below.agreement_from",
        ),
        "loss limit of the next year of the agreement": (
            "rules.loss_limits[agreement_year(row, rules) - 1]",
            "rules.loss_limits[min(agreement_year(row, rules), len(rules.loss_limits) - 1)]",
        ),
        "revenue unknown is no revenue": (
            "revenue = np.nan if row.revenue is None else row.revenue",
            "revenue = row.revenue or 0.0",
        ),
        "applied rate after sequestration": (
            "return settled.shared / (settled.counted or settled.gross)",
            "return settled.payment / (settled.counted or settled.gross)",
        ),
        "minima of savings and losses exchanged": (
            "clauses.minimum_savings_rate if saved else",
            "clauses.minimum_savings_rate if not saved else",
        ),
        "no loss rate in what chance sees": (
            "return saving._replace(loss_rate=losing.loss_rate)",
            "return saving",
        ),
    },
    "rules": {
        "fee of one month in a year": (
            "return MONTHS * fee.per_member_month.central",
            "return fee.per_member_month.central",
        ),
        "fee always netted first": (
            "and terms is not None and terms.fee_netted_first",
            "and terms is not None",
        ),
        "beyond the minimum only, forgotten": (
            "excess_only=float(terms.excess_only)",
            "excess_only=0.0",
        ),
        "capture cap forgotten": (
            "capture_cap=_value(terms.capture_cap, np.inf)",
            "capture_cap=np.inf",
        ),
        "payment limit forgotten": (
            "payment_limit=_value(terms.payment_limit, np.inf)",
            "payment_limit=np.inf",
        ),
        "no loss limit by year": (
            "return by_year or (",
            "return (",
        ),
        "no loss limit by revenue": (
            "revenue_limit=_value(terms.loss.limit_of_revenue if terms.loss else None, np.inf)",
            "revenue_limit=np.inf",
        ),
        "years of an agreement counted from 0": (
            "row.year - began + 1",
            "row.year - began",
        ),
        "an agreement older than the terms": (
            "began = max(row.agreement_start.year, rules.first_year)",
            "began = row.agreement_start.year",
        ),
        "last band of the scale without a rate": (
            "_value(band.rate_at_upper, rate)",
            "_value(band.rate_at_upper, 0.0)",
        ),
    },
    "payments": {
        "whole fee at risk": (
            "contracts.fee_at_risk(whole, terms.at_risk.central, achieved)",
            "contracts.fee_at_risk(whole, 1.0, achieved)",
        ),
        "others each receive all that is released": (
            "contracts.distributed(released, share.central)",
            "contracts.distributed(released, 1.0)",
        ),
        "others receive nothing that was forfeited": (
            "contracts.released_to_others(pool, missed, limit, release)",
            "contracts.released_to_others(pool, missed, limit, 0.0)",
        ),
        "payer keeps the whole pool's rest": (
            "contracts.kept_by_payer(missed, release)",
            "contracts.kept_by_payer(pool, release)",
        ),
        "no cap for each metric": (
            "contracts.within(_uncapped(metric, measured), 0.0, cap)",
            "_uncapped(metric, measured)",
        ),
        "no overall minimum": (
            "contracts.within(total, terms.minimum.central, maximum)",
            "contracts.within(total, 0.0, maximum)",
        ),
        "no overall maximum": (
            "contracts.within(total, terms.minimum.central, maximum)",
            "contracts.within(total, terms.minimum.central, np.inf)",
        ),
        "start of the bands forgotten": (
            "start = metric.starts_at.central",
            "start = 0.0",
        ),
    },
    "measurement": {
        "baseline's variance missing from f": (
            "return math.hypot(self.yearly_sd(members), self.baseline_sd(members))",
            "return self.yearly_sd(members)",
        ),
        "standard deviations added instead of variances": (
            "math.hypot(self.cv / math.sqrt(members), self.area_sd)",
            "(self.cv / math.sqrt(members) + self.area_sd)",
        ),
        "area's sd averaged out by members": (
            "math.hypot(self.cv / math.sqrt(members), self.area_sd)",
            "math.hypot(self.cv / math.sqrt(members), self.area_sd / math.sqrt(members))",
        ),
        "variance for sd": (
            "math.hypot(self.cv / math.sqrt(members), self.area_sd)",
            "(self.cv**2 / members + self.area_sd**2)",
        ),
        "baseline factor as an sd": (
            "self.cv * math.sqrt(self.baseline_factor / members)",
            "self.cv * self.baseline_factor / math.sqrt(members)",
        ),
        "correlation of sds": (
            "(self.baseline_sd(members) / total) ** 2",
            "self.baseline_sd(members) / total",
        ),
        "weights of the baseline instead of their squares": (
            "sum(weight**2 for weight in weights)",
            "sum(weight for weight in weights)",
        ),
        "comparison ratio upside down": (
            "1.0 / comparison_ratio if",
            "comparison_ratio if",
        ),
        "variance in the truncated mean": (
            "piece.slope * sd * (",
            "piece.slope * sd * sd * (",
        ),
        "no truncation in the mean": (
            "piece.slope * sd * (",
            "0.0 * (",
        ),
        "probability of either sign": (
            "if sign * _inside(piece) > 0",
            "if _inside(piece) != 0",
        ),
        "penalised as often as paid": (
            "probability(parts, true_rate, sd, -1.0)",
            "probability(parts, true_rate, sd, 1.0)",
        ),
        "luck found at the true rate": (
            "probability(parts, 0.0, sd, 1.0)",
            "probability(parts, true_rate, sd, 1.0)",
        ),
        "all that is expected is luck": (
            "mean_paid - truth,",
            "mean_paid,",
        ),
        "percentiles of 5 and 95": (
            "for q in (0.1, 0.9)",
            "for q in (0.05, 0.95)",
        ),
        "two-sided power": (
            "special.ndtri(power)",
            "special.ndtri(0.5 + power / 2)",
        ),
        "power without a minimum": (
            "true_rate - minimum_rate(n) >= z",
            "true_rate >= z",
        ),
        "years as if each had its own baseline": (
            "true_rate + shared * z, yearly, 1.0",
            "true_rate, noise.sd(members), 1.0",
        ),
        "ever and always exchanged": (
            "1.0 - (1.0 - paid) ** years",
            "paid**years + 0.0 * (1.0 - paid)",
        ),
        "paid once in any year": (
            "paid * (1.0 - paid) ** (years - 1)",
            "years * paid * (1.0 - paid) ** (years - 1)",
        ),
        "expected of one year": (
            "years * expected(parts, true_rate, noise.sd(members))",
            "expected(parts, true_rate, noise.sd(members))",
        ),
        "bend at the capture cap forgotten": (
            "        (0.0, clauses.capture_cap * benchmark),\n",
            "",
        ),
        "bend at the payment limit forgotten": (
            "        (clauses.payment_limit * benchmark, 0.0),\n",
            "",
        ),
        "jump of losses forgotten": (
            "-clauses.minimum_loss_rate, ",
            "",
        ),
    },
}


# --- in the copy


class FirstFailure:
    """What the suite says of a mistake: the failed test and how; empty where all pass."""

    told = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.told:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.told = f"{report.nodeid}: {crash.message if crash else report.longrepr}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.told:
            self.told = f"not collected: {report.longrepr}"


def first_failure(suite: Sequence[str]) -> str:
    """Runs the suite on the modules as they stand now; contracts' terms are not read anew."""
    for name in list(sys.modules):
        again = name.startswith(("model.finance.", "test_"))
        if again and name != "model.finance.presets":
            del sys.modules[name]
    seen = FirstFailure()
    code = pytest.main([*OPTIONS, *suite], plugins=[seen])
    return seen.told or ("" if code == pytest.ExitCode.OK else f"not run: {code!r}")


def try_all(module: str) -> dict[str, str]:
    """First failure by mistake; under no name that of the module without any."""
    path = Path("model", "finance", f"{module}.py").resolve()
    bytecode = Path(importlib.util.cache_from_source(str(path)))
    whole = path.read_text(encoding="utf-8")
    suite = CHANCE if module == "measurement" else BY_HAND
    told = {"": first_failure(suite)}
    for what, (old, new) in MISTAKES[module].items():
        path.write_text(whole.replace(old, new), encoding="utf-8")
        bytecode.unlink(missing_ok=True)  # it may look as new as the edit
        told[what] = first_failure(suite)
    return told


# --- here


def copy_to(folder: Path) -> None:
    """What the suite needs."""
    no_bytecode = shutil.ignore_patterns("__pycache__")
    for name in ("model", "scenarios"):
        shutil.copytree(ROOT / name, folder / name, ignore=no_bytecode)
    for name in (*BY_HAND, *CHANCE, "pyproject.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


@pytest.mark.parametrize("module", MISTAKES)
def test_each_mistake_fails_a_test(module: str, tmp_path: Path) -> None:
    """And the suite passes without it; a failure is an answer that differs, not a crash."""
    copy_to(tmp_path)
    here = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plain = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, __file__, module],
        cwd=tmp_path, env=here | plain, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert told.pop("") == ""
    assert [what for what, failure in told.items() if not failure] == []
    crashes = {what: failure for what, failure in told.items() if ": Assert" not in failure}
    assert crashes == {}


@pytest.mark.parametrize(
    ("module", "what"), [(module, what) for module, all_ in MISTAKES.items() for what in all_]
)
def test_each_mistake_changes_one_place(module: str, what: str) -> None:
    """So that the list cannot go stale."""
    old, new = MISTAKES[module][what]
    whole = (ROOT / "model" / "finance" / f"{module}.py").read_text(encoding="utf-8")
    assert whole.count(old) == 1
    compile(whole.replace(old, new), module, "exec")


if __name__ == "__main__":
    Path("told.json").write_text(json.dumps(try_all(sys.argv[1])), encoding="utf-8")
