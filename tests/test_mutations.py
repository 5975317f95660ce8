"""The checker of handwritten pages against pages with known slips, and the pages' own correctness."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import mpmath
import pytest
from page_maker import FORMULAS, Plan, make_plan, work

# The maker of pages


def exactly(plan: Plan, name: str) -> dict[tuple[int, str], mpmath.mpf]:
    """A parameter's lines from sums written out, not step by step, to 50 digits."""
    number = {key: mpmath.mpf(str(value)) for key, value in plan.settings.items()}
    g = [mpmath.mpf(str(value)) for value in plan.gradients[name]]
    lr, beta, eps = (number.get(key, mpmath.mpf(0)) for key in ("lr", "beta", "eps"))
    b1, b2 = number.get("beta1", beta), number.get("beta2", beta)
    x, found = mpmath.mpf(str(plan.start[name])), {}
    for t in range(1, plan.steps + 1):
        past = list(enumerate(g[:t], start=1))
        heavy = sum(beta ** (t - i) * gi for i, gi in past)
        mean = (1 - b1) * sum(b1 ** (t - i) * gi for i, gi in past)
        spread = (1 - b2) * sum(b2 ** (t - i) * gi * gi for i, gi in past)
        m_hat, v_hat = mean / (1 - b1**t), spread / (1 - b2**t)
        rate = lr * mpmath.sqrt(1 - b2**t) / (1 - b1**t)
        states = {
            "sgd": {},
            "momentum": {"v": lr * heavy},
            "momentum_pytorch": {"v": heavy},
            "nesterov": {"v": heavy},
            "rmsprop": {"s": spread},
            "rmsprop_pytorch": {"s": spread},
            "adam": {"m": mean, "v": spread, "m_hat": m_hat, "v_hat": v_hat},
            "adam_eps_hat": {"m": mean, "v": spread, "lr_t": rate},
        }[plan.rule]
        x -= {
            "sgd": lr * g[t - 1],
            "momentum": lr * heavy,
            "momentum_pytorch": lr * heavy,
            "nesterov": lr * g[t - 1] + lr * beta * heavy,
            "rmsprop": lr * g[t - 1] * (spread + eps) ** mpmath.mpf("-0.5"),
            "rmsprop_pytorch": lr * g[t - 1] / (spread ** mpmath.mpf("0.5") + eps),
            "adam": lr * m_hat / (v_hat ** mpmath.mpf("0.5") + eps),
            "adam_eps_hat": rate * mean / (spread ** mpmath.mpf("0.5") + eps),
        }[plan.rule]
        found |= {(t, line): value for line, value in (states | {"x": x}).items()}
    return found


@pytest.mark.parametrize("rule", FORMULAS)
def test_the_students_values_are_those_of_sums_written_out(rule: str) -> None:
    rng = Random(f"values {rule}")
    with mpmath.workdps(50):
        for _ in range(20):
            plan = make_plan(rng, [rule])
            page = work(replace(plan, hand=replace(plan.hand, carried=False), parts=()))
            for name in plan.names:
                for (t, line), value in exactly(plan, name).items():
                    shared = line == "lr_t"
                    ours = page.at((t, line, None if shared else name)).used
                    assert abs(mpmath.mpf(str(ours)) - value) < mpmath.mpf("1e-40")


TORCH = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": "beta"}),
    "momentum_pytorch": ("SGD", {"momentum": "beta"}),
    "nesterov": ("SGD", {"momentum": "beta", "nesterov": True}),
    "rmsprop_pytorch": ("RMSprop", {"alpha": "beta", "eps": "eps"}),
    "adam": ("Adam", {"betas": ("beta1", "beta2"), "eps": "eps"}),
}


@pytest.mark.parametrize("rule", TORCH)
def test_the_students_answers_are_those_of_torch(rule: str) -> None:
    torch = pytest.importorskip("torch")
    rng = Random(f"torch {rule}")
    name, options = TORCH[rule]
    for _ in range(20):
        plan = make_plan(rng, [rule])

        def setting(value: object, plan: Plan = plan) -> object:
            if isinstance(value, tuple):
                return tuple(float(plan.settings[key]) for key in value)
            return float(plan.settings[value]) if isinstance(value, str) else value

        made = {key: setting(value) for key, value in options.items()}
        start = [float(value) for value in plan.start.values()]
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = getattr(torch.optim, name)([x], lr=float(plan.settings["lr"]), **made)
        page = work(replace(plan, hand=replace(plan.hand, carried=False)))
        for t in range(1, plan.steps + 1):
            gradient = [float(plan.gradients[name][t - 1]) for name in plan.names]
            x.grad = torch.tensor(gradient, dtype=torch.float64)
            optimizer.step()
            ours = [float(page.at((t, "x", name)).used) for name in plan.names]
            assert x.tolist() == pytest.approx(ours, rel=1e-12, abs=1e-12)


def test_the_students_answers_are_those_of_optax() -> None:
    optax = pytest.importorskip("optax")
    import jax
    import jax.numpy as jnp

    rng = Random("optax")
    with jax.enable_x64(True):
        for _ in range(10):
            plan = make_plan(rng, ["rmsprop"])
            number = {key: float(value) for key, value in plan.settings.items()}
            tool = optax.rmsprop(number["lr"], decay=number["beta"], eps=number["eps"])
            x = jnp.array([float(value) for value in plan.start.values()])
            state = tool.init(x)
            page = work(replace(plan, hand=replace(plan.hand, carried=False)))
            for t in range(1, plan.steps + 1):
                g = jnp.array([float(plan.gradients[name][t - 1]) for name in plan.names])
                change, state = tool.update(g, state, x)
                x = optax.apply_updates(x, change)
                ours = [float(page.at((t, "x", name)).used) for name in plan.names]
                assert x.tolist() == pytest.approx(ours, rel=1e-12, abs=1e-12)


def test_two_ways_of_rounding_stay_near_each_other() -> None:
    """Carried and honest pages of one plan differ by rounding only."""
    rng = Random("ways")
    for _ in range(40):
        plan = make_plan(rng)
        honest, carried = (
            work(replace(plan, hand=replace(plan.hand, carried=way))) for way in (False, True)
        )
        for key in plan.places():
            a, b = honest.at(key).used, carried.at(key).used
            assert abs(a - b) <= Decimal("0.1") * max(abs(a), Decimal("0.1")), (key, a, b)
