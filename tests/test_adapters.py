"""Optimizers from elsewhere, against the libraries themselves, and what is said where it fails."""

from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optlab import adapters, freshness
from optlab.adapters import OptionError, find
from optlab.adapters.files import load_family, load_rule
from optlab.adapters.libraries import NAMES, resolve
from optlab.adapters.optax import optax_optimizer
from optlab.adapters.protocol import Optimizer
from optlab.rules import REGISTRY, Rule
from optlab.straight import FormError

# ---------------------------------------------------------------- optax

RATES = [1e-3, 0.01, 0.1, 0.5]
SHARED: dict[str, tuple[str, dict[str, Any], dict[str, list[float]]]] = {
    # case: (path, what the user fixes, what is swept over four runs)
    "lion": ("optax.lion", {}, {"b1": [0.8, 0.9, 0.95, 0.0], "weight_decay": [0, 1e-3, 0.1, 1.0]}),
    "adamw": ("optax.adamw", {}, {"b2": [0.9, 0.99, 0.999, 0.9], "weight_decay": [0, 0.1, 0.2, 1]}),
    "sgd": ("optax.sgd", {"momentum": 0.5}, {"momentum": [0.0, 0.5, 0.9, 0.99]}),
    "nesterov": ("optax.sgd", {"momentum": [0.5, 0.9], "nesterov": True}, {"momentum": [0.1] * 4}),
    "rmsprop": (
        "optax.rmsprop", {"centered": True, "momentum": {"linear": [0.1, 0.9]}},
        {"decay": [0.5, 0.9, 0.99, 0.999], "momentum": [0.0, 0.5, 0.9, 0.95]},
    ),
    "adafactor": (
        "optax.adafactor", {"min_dim_size_to_factor": 2}, {"decay_rate": [0.5, 0.7, 0.8, 0.9]},
    ),
    "prodigy": ("optax.contrib.prodigy", {}, {"b1": [0.0, 0.5, 0.9, 0.95], "estim_lr0": RATES}),
    "muon": ("optax.contrib.muon", {"ns_steps": 4.0}, {"beta": [0.5, 0.9, 0.95, 0.99]}),
    "dadapt": ("optax.contrib.dadapt_adamw", {"b2": 0.99}, {"weight_decay": [0, 0.1, 0.2, 1]}),
}  # fmt: skip


def gradients(steps: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {"w": rng.standard_normal((steps, 4, 3)), "b": 100 * rng.standard_normal((steps, 3))}


@pytest.mark.parametrize(
    "case",
    [c if c in ("lion", "adafactor") else pytest.param(c, marks=pytest.mark.slow) for c in SHARED],
)
def test_swept_runs_are_optaxs_own_one_by_one(case: str) -> None:
    """Four runs at once, hyperparameters as arrays, against optax in a loop with Python numbers."""
    import jax
    import optax
    from jax import numpy as jnp

    path, options, swept = SHARED[case]
    optimizer = optax_optimizer(path, options)
    swept = {"lr": RATES, **swept}
    fixed = {n: v for n, v in optimizer.hypers.items() if n in optimizer.fixed}
    steps = 25
    with jax.enable_x64(True):
        grads = jax.tree.map(jnp.asarray, gradients(steps))
        start = {"w": jnp.linspace(1, 2, 12).reshape(4, 3), "b": jnp.asarray([3.0, -1.0, 2.0])}

        def run(hypers: dict[str, Any]) -> Any:
            def step(carry: Any, moment: Any) -> Any:
                t, now = moment
                params, state = optimizer.step(carry[0], now, t, carry[1], hypers | fixed)
                return (params, state), params

            first = (start, optimizer.start(start, hypers | fixed))
            return jax.lax.scan(step, first, (jnp.arange(1.0, steps + 1), grads))[1]

        arrays = {n: jnp.full(4, v, float) for n, v in optimizer.hypers.items() if n not in fixed}
        arrays |= {n: jnp.asarray(v, float) for n, v in swept.items()}
        ours = jax.jit(jax.vmap(run))(arrays)
        for i in range(4):
            given = {n: v for n, v in options.items() if isinstance(v, bool | int | float)}
            given |= {n: float(v[i]) for n, v in swept.items()}
            given["learning_rate"] = given.pop("lr")
            if case == "muon":
                given["ns_steps"] = 4
            if case == "adafactor":  # with a Python number optax takes this power in float32
                given["decay_rate"] = jnp.asarray(given["decay_rate"], float)
            betas = {n: given.pop(n) for n in ("b1", "b2") if "betas" in optimizer.arguments
                     and n in given}  # fmt: skip
            if betas:
                given["betas"] = tuple(({"b1": 0.9, "b2": 0.999} | betas).values())
            expected = directly(optax, path, given, start, grads, steps)
            for key in start:
                np.testing.assert_allclose(ours[key][i], expected[key], rtol=1e-12, atol=1e-12)


def directly(optax: Any, path: str, given: Any, params: Any, grads: Any, steps: int) -> Any:
    """Positions after each step, in a plain loop around optax."""
    import jax
    from jax import numpy as jnp

    factory = optax
    for name in path.split(".")[1:]:
        factory = getattr(factory, name)
    transformation = factory(**given)
    state, found = transformation.init(params), []
    update = jax.jit(transformation.update)
    for k in range(steps):
        updates, state = update(jax.tree.map(lambda g, k=k: g[k], grads), state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return jax.tree.map(lambda *rows: jnp.stack(rows), *found)


def optax_paths() -> list[str]:
    """Every function of optax that takes a learning rate, but the deprecated one."""
    import optax
    import optax.contrib

    return [
        f"{module.__name__}.{name}"
        for module in (optax, optax.contrib)
        for name, member in vars(module).items()
        if inspect.isfunction(member)
        and not name.startswith("_")
        and "learning_rate" in inspect.signature(member).parameters
        and name != "optimistic_adam"
    ]


NOT_RUNNABLE = {
    "lbfgs": "needs `value` and `grad` and `value_fn` (the loss or a function that evaluates it)",
    "sophia": "cannot be set up like this: obj_fn must be provided",
    "schedule_free": "needs `base_optimizer`, for which optax has no default",
    "noisy_sgd": "draws random numbers of its own",
    "dpsgd": "draws random numbers of its own",
}


@pytest.mark.parametrize("path", optax_paths())
def test_all_of_optax_keeps_its_dtypes_over_mapped_runs(path: str) -> None:
    import jax
    from jax import numpy as jnp

    name = path.split(".")[-1]
    if name.startswith("scale_by_"):
        with pytest.raises(ValueError, match="is a part from which optimizers are built"):
            optax_optimizer(path)
        return
    if name in NOT_RUNNABLE:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            optax_optimizer(path)
        assert str(caught.value).startswith(f"{path} {NOT_RUNNABLE[name]}")
        return
    optimizer = optax_optimizer(path)
    assert isinstance(optimizer, Optimizer)
    assert "lr" in optimizer.hypers
    assert optimizer.summary
    fixed = {n: v for n, v in optimizer.hypers.items() if n in optimizer.fixed}
    for real in (jnp.float32, jnp.float64):
        with jax.enable_x64(real == jnp.float64):
            params = {"w": jnp.ones((5, 2, 3), real), "b": jnp.ones((5, 4), real)}
            hypers = {n: jnp.full(5, v, real) for n, v in optimizer.hypers.items()
                      if n not in fixed}  # fmt: skip

            def both(params: Any, hypers: Any) -> Any:
                state = optimizer.start(params, hypers | fixed)
                seen = {"value": params["b"].sum()} if optimizer.wants_loss else {}
                after = optimizer.step(params, params, 1, state, hypers | fixed, **seen)
                return (params, state), after

            before, after = jax.eval_shape(jax.vmap(both), params, hypers)
            assert before == after
            assert {leaf.dtype for leaf in jax.tree.leaves(after[0])} == {np.dtype(real)}


def test_counts_that_optax_needs_as_numbers_are_fixed() -> None:
    adafactor = optax_optimizer("optax.adafactor")
    assert adafactor.fixed == {"min_dim_size_to_factor", "decay_offset"}
    assert optax_optimizer("optax.contrib.muon").fixed == {"ns_steps"}
    assert optax_optimizer("optax.adamw").fixed == frozenset()
    with pytest.raises(ValueError, match=r"`min_dim_size_to_factor` counts something, so it"):
        adafactor.start(np.ones(3, np.float32), {"min_dim_size_to_factor": 1.5})


def test_what_cannot_be_traced_is_found_by_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """optax itself has no such optimizer now; one that branches on a number in Python."""
    import optax

    def branching(learning_rate: float, decay: float = 0.5, other: float = 2.0) -> Any:
        return optax.sgd(learning_rate * other if decay > 0.3 else learning_rate)

    monkeypatch.setattr(optax, "branching", branching, raising=False)
    assert optax_optimizer("optax.branching").fixed == {"decay"}


def test_names_and_defaults_of_optax() -> None:
    lion = optax_optimizer("optax.lion", {"learning_rate": 0.3, "b1": 0.5})
    assert lion.hypers == {"lr": 0.3, "b1": 0.5, "b2": 0.99, "weight_decay": 1e-3}
    assert optax_optimizer("optax.lion").hypers["lr"] == 1e-3
    assert optax_optimizer("optax.adafactor").hypers["lr"] == 1e-3
    assert optax_optimizer("optax.contrib.prodigy").hypers["lr"] == 1.0
    assert "momentum" not in optax_optimizer("optax.sgd").hypers
    assert optax_optimizer("optax.sgd", {"momentum": {"log": [0.1, 0.9]}}).hypers["momentum"] == 0.1
    assert "Symbolic Discovery of Optimization Algorithms" in lion.citation


def test_the_source_tells_switches_apart_and_not_values() -> None:
    plain = optax_optimizer("optax.rmsprop").source
    assert plain == optax_optimizer("optax.rmsprop", {"lr": 0.3}).source
    assert plain != optax_optimizer("optax.rmsprop", {"centered": True}).source
    assert plain != optax_optimizer("optax.rmsprop", {"momentum": 0.1}).source
    assert (
        optax_optimizer("optax.rmsprop", {"momentum": 0.1}).source
        == optax_optimizer("optax.rmsprop", {"momentum": 0.2}).source
    )


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("optax.Lion", {}, "optax has nothing named 'Lion'; did you mean 'lion'?"),
        ("optax.contrib.prodigi", {}, "optax.contrib has nothing named 'prodigi'; did you mean"),
        ("optax", {}, "is not an optimizer; name a function of optax"),
        ("optax.contrib", {}, "is not an optimizer; name a function of optax"),
        (
            "optax.sgd",
            {"momentun": 0.1},
            "optax.sgd has no such argument; did you mean 'momentum'?",
        ),
        ("optax.sgd", {"zzz": 0.1}, "it takes lr, momentum, nesterov, accumulator_dtype"),
        ("optax.sgd", {"lr": 0.1, "learning_rate": 0.2}, "the same as `lr`; give one of them"),
        ("optax.sgd", {"lr": "fast"}, "'fast' is not a number"),
        ("optax.sgd", {"lr": None}, "None is not a number"),
        ("optax.sgd", {"momentum": True}, "True is not a number"),
        ("optax.sgd", {"nesterov": [True, False]}, "a switch cannot be swept, so list two"),
        ("optax.contrib.prodigy", {"betas": [0.9, 0.99]}, "write `b1` and `b2` instead"),
        ("optax.adam", {"mu_dtype": "float17"}, "optax.adam cannot be set up like this: "),
    ],
)
def test_what_optax_has_not(path: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        optax_optimizer(path, options)
    assert message in str(caught.value)


# ---------------------------------------------------------------- PyTorch and Keras

LIBRARY_GRADIENTS = np.random.default_rng(11).standard_normal((60, 3)) * [1e-6, 1.0, 1e3]


def positions(rule: Rule, options: dict[str, Any]) -> np.ndarray:
    """x after each step from the origin, by the rule's function with its own defaults."""
    hypers = {**rule.hypers, **options}
    x = np.zeros(3)
    states = [np.full(3, s) for s in rule.states.values()]
    found = []
    for t, g in enumerate(LIBRARY_GRADIENTS, 1):
        given = {"x": x, "g": g, "t": t}
        result = rule.form.function(*(given[n] for n in rule.form.inputs), *states, **hypers)
        x, *states = result if isinstance(result, tuple) else (result,)
        found.append(x)
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("SGD", {"momentum": 0.0, "dampening": 0, "weight_decay": 0.0}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": False}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "foreach": False}),
        ("Adam", {}),
        ("Adam", {"betas": [0.8, 0.95], "eps": 1e-3}),
        ("Adam", {"lr": 0.5, "eps": 1e-3, "amsgrad": False}),
        ("RMSprop", {}),
        ("RMSprop", {"alpha": 0.9, "eps": 1e-4, "momentum": 0, "centered": False}),
    ],
)
@pytest.mark.slow
def test_pytorchs_name_gives_pytorchs_path(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rule, _, ours, _, _ = resolve(f"torch.optim.{name}", options)
    point = torch.zeros(3, dtype=torch.float64)
    optimizer = getattr(torch.optim, name)([point], **options)
    expected = []
    for g in LIBRARY_GRADIENTS:
        point.grad = torch.from_numpy(g)
        optimizer.step()
        expected.append(point.numpy().copy())
    np.testing.assert_allclose(positions(rule, ours), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("torch.")])
def test_pytorchs_arguments_are_all_known(name: str) -> None:
    """With PyTorch's own default every argument is accepted, and changes nothing."""
    torch = pytest.importorskip("torch")
    declared = inspect.signature(getattr(torch.optim, name.split(".")[-1])).parameters
    defaults = {n: list(p.default) if isinstance(p.default, tuple) else p.default
                for n, p in declared.items() if n not in ("self", "params")}  # fmt: skip
    rule, _, ours, _, _ = resolve(name, defaults)
    np.testing.assert_array_equal(positions(rule, ours), positions(resolve(name).rule, {}))


def keras_path(name: str, **given: Any) -> np.ndarray:
    """Keras 3's update, variable by variable as its `update_step` methods write it."""
    x, m, v, found = np.zeros(3), np.zeros(3), np.zeros(3), []
    for t, g in enumerate(LIBRARY_GRADIENTS, 1):
        lr = given["learning_rate"]
        if name == "SGD":
            m = m * given["momentum"] - g * lr
            x = x + m * given["momentum"] - g * lr if given["nesterov"] else x + m
        elif name == "RMSprop":
            v = given["rho"] * v + (1 - given["rho"]) * np.square(g)
            x = x - lr * g / np.sqrt(v + given["epsilon"])
        else:
            alpha = lr * math.sqrt(1 - given["beta_2"] ** t) / (1 - given["beta_1"] ** t)
            m = m + (g - m) * (1 - given["beta_1"])
            v = v + (np.square(g) - v) * (1 - given["beta_2"])
            x = x - m * alpha / (np.sqrt(v) + given["epsilon"])
        found.append(x)
    return np.array(found)


KERAS_DEFAULTS = {
    "SGD": {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    "RMSprop": {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7},
    "Adam": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("RMSprop", {}),
        ("RMSprop", {"learning_rate": 0.1, "rho": 0.5, "epsilon": 1e-3}),
        ("Adam", {}),
        ("Adam", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    ],
)
def test_keras_name_gives_keras_path(name: str, options: dict[str, Any]) -> None:
    rule, _, ours, _, _ = resolve(f"keras.optimizers.{name}", options)
    expected = keras_path(name, **(KERAS_DEFAULTS[name] | options))
    np.testing.assert_allclose(positions(rule, ours), expected, rtol=1e-12, atol=1e-15)


def test_a_sweep_is_passed_on_by_our_name() -> None:
    found = resolve("keras.optimizers.SGD", {"learning_rate": {"log": [1e-3, 1]}, "momentum": 0.5})
    assert found.rule.name == "momentum"
    assert found.options == {"lr": {"log": [1e-3, 1]}, "beta": 0.5}
    assert found.renamed == {"learning_rate": "lr", "momentum": "beta"}
    assert found.defaults == {"lr": 0.01, "beta": 0.0}


def test_a_pair_becomes_two_defaults() -> None:
    found = find("torch.optim.Adam", {"betas": [0.8, 0.95], "lr": [0.1, 0.2]})
    assert found.optimizer.hypers == {"lr": 1e-3, "beta1": 0.8, "beta2": 0.95, "eps": 1e-8}
    assert found.used == {"betas"}
    assert REGISTRY["adam"].hypers["beta1"] == 0.9


def test_our_own_names_and_tensorflows_are_taken_too() -> None:
    assert resolve("tf.keras.optimizers.RMSprop", {"lr": 0.1, "beta": 0.5}).options == {
        "lr": 0.1, "beta": 0.5,
    }  # fmt: skip
    assert resolve("torch.optim.SGD", {"beta": 0.5}).rule.name == "momentum_pytorch"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("torch.optim.rmsprop", {}, "no optimizer named 'torch.optim.rmsprop'; did you mean "
                                    "'torch.optim.RMSprop'?"),
        ("torch.optim.Adagradd", {}, "no optimizer named 'torch.optim.Adagradd'"),
        ("torch.optim.AdamW", {}, "'torch.optim.AdamW' is not among the names that optlab"),
        ("keras.optimizers.Lion", {}, "; write `use: optax.lion`"),
        ("jaxopt.Thing", {}, "of other libraries optlab knows torch.optim.SGD, "),
        ("torch.optim.SGD", {"weight_decay": 0.1}, "`weight_decay`: not supported for torch.optim."),
        ("torch.optim.SGD", {"momentum": 0.5, "dampening": 0.5}, "`dampening`: not supported"),
        ("torch.optim.RMSprop", {"centered": True}, "`centered`: not supported"),
        ("torch.optim.RMSprop", {"momentum": [0.1, 0.9]}, "`momentum`: not supported"),
        ("torch.optim.Adam", {"amsgrad": True}, "`amsgrad`: not supported"),
        ("torch.optim.SGD", {"nesterov": True}, "`nesterov`: needs a momentum, as in `momentum: 0.9`"),
        ("torch.optim.SGD", {"nesterov": "yes", "momentum": 0.9}, "'yes' is not true or false"),
        ("torch.optim.Adam", {"betas": 0.9}, "give two numbers, as in `betas: [0.9, 0.999]`"),
        ("torch.optim.Adam", {"betas": [0.9, 1.2]}, "`betas`: 1.2 is outside [0, 1)"),
        ("torch.optim.Adam", {"betas": [0.9, 0.99], "beta1": 0.8}, "`beta1` stands in it already"),
        ("torch.optim.Adam", {"epsilon": 1e-3}, "torch.optim.Adam has no such argument; did you"),
        ("keras.optimizers.Adam", {"lr": 1, "learning_rate": 2}, "the same as `lr`"),
        ("keras.optimizers.Adam", {"weight_decay": 0.1}, "`weight_decay`: not supported"),
    ],
)  # fmt: skip
def test_what_the_libraries_names_cannot_do(name: str, options: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        resolve(name, options)
    assert message in str(caught.value)


# ---------------------------------------------------------------- files

RULES_FILE = """
from optlab import rule
from optlab.algebra import sqrt
from helper import HALF

@rule("me, today")
def sprig(x, g, m=0.0, *, lr=HALF):
    '''Step along a sum.'''
    m = m + g
    x = x - lr * m
    return x, m

def plain(x, g, *, lr=0.1, keep=0.5):
    x = x - lr * keep * g
    return x

def broken(x, g, *, lr=0.1):
    if lr > 0:
        x = x - lr * g
    return x

def broken_too(x, g, *, lr):
    x = x - lr * g
    return x
"""
PROBLEMS_FILE = """
from optlab import problem
from optlab.problems import make_family

@problem(start=[3.0, -2.0], minimum=0.0)
def bowl(x, *, tilt=4.0):
    '''A bowl.'''
    return x[0] ** 2 + tilt * x[1] ** 2

def bare(x):
    return x[0] ** 2

made = make_family(bare, start=[1.0])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_rules.py").write_text(RULES_FILE)
    (tmp_path / "my_problems.py").write_text(PROBLEMS_FILE)
    (tmp_path / "helper.py").write_text("HALF = 0.5\n")
    return tmp_path


def test_a_rule_from_a_file(folder: Path) -> None:
    sprig = find("my_rules.py:sprig", {}, folder).optimizer
    assert isinstance(sprig, Rule)
    assert (sprig.name, sprig.citation, sprig.summary) == (
        "sprig",
        "me, today",
        "Step along a sum.",
    )
    assert sprig.hypers == {"lr": 0.5}
    assert sprig.form.function(1.0, 2.0, 3.0, lr=0.5) == (-1.5, 5.0)
    plain = load_rule(folder / "my_rules.py", "plain")
    assert plain.hypers == {"lr": 0.1, "keep": 0.5}
    assert plain.citation == "my_rules.py"


def test_a_problem_from_a_file(folder: Path) -> None:
    bowl = adapters.family_from_file("my_problems.py:bowl", folder)(tilt=2.0)
    assert (bowl.name, bowl.about.summary) == ("bowl", "A bowl.")
    assert bowl.loss(np.array([1.0, 3.0]), None) == 19.0
    assert bowl.minimum is not None
    np.testing.assert_array_equal(bowl.given, [3.0, -2.0])
    assert load_family(folder / "my_problems.py", "made").source == bowl.source == PROBLEMS_FILE


def test_a_file_leaves_nothing_behind(folder: Path) -> None:
    path, modules, writing = list(sys.path), set(sys.modules), sys.dont_write_bytecode
    load_rule(folder / "my_rules.py", "sprig")
    assert sys.path == path
    assert sys.dont_write_bytecode == writing
    assert not {n for n in set(sys.modules) - modules if not n.startswith("optlab")}
    assert sorted(p.name for p in folder.iterdir()) == [
        "helper.py",
        "my_problems.py",
        "my_rules.py",
    ]


@pytest.mark.parametrize("file", ["my_rules.py", "helper.py"])
def test_a_changed_file_is_another_source(folder: Path, file: str) -> None:
    """Even where the change keeps the file's length and time."""
    before = load_rule(folder / "my_rules.py", "sprig")
    text = (folder / file).read_text()
    was = (folder / file).stat()
    (folder / file).write_text(text.replace("0.5", "0.7").replace("m + g", "m - g"))
    os.utime(folder / file, ns=(was.st_atime_ns, was.st_mtime_ns))
    after = load_rule(folder / "my_rules.py", "sprig")
    assert before.source != after.source
    assert before.source == load_rule_again(folder, file, text).source
    changed = after.hypers["lr"] == 0.7 if file == "helper.py" else "m - g" in after.form.source
    assert changed


def load_rule_again(folder: Path, file: str, text: str) -> Rule:
    (folder / file).write_text(text)
    return load_rule(folder / "my_rules.py", "sprig")


@pytest.mark.parametrize("file", ["c.npy", "data/d.csv", "sub/deep.py", "sub/__init__.py",
                                  "sub/more.py", "late.py"])  # fmt: skip
def test_whatever_a_file_reads_is_part_of_its_source(tmp_path: Path, file: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "data").mkdir()
    texts = {
        "own.py": "from pathlib import Path\nimport importlib\nfrom optlab import problem\n"
        "from sub.deep import K\nHERE = Path(__file__).parent\n"
        "importlib.import_module('late')\n\n@problem(start=[1.0])\ndef f(x):\n"
        "    (HERE / 'c.npy').read_text() + (HERE / 'data' / 'd.csv').read_text()\n"
        "    return K * x[0] ** 2\n",
        "c.npy": "1", "data/d.csv": "2", "sub/__init__.py": "", "sub/deep.py": "from .more import K\n",
        "sub/more.py": "K = 1.0\n", "late.py": "", "apart.py": "", "e.npy": "",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    spec = tmp_path / "s.yaml"
    spec.write_text('problems: [{use: "own.py :f"}]\n')
    was, stamp = load_family(tmp_path / "own.py", "f").source, freshness.stamp(spec)
    (tmp_path / file).write_text(texts[file] + "\n")
    assert load_family(tmp_path / "own.py", "f").source != was
    assert freshness.stamp(spec) != stamp
    (tmp_path / file).write_text(texts[file])
    (tmp_path / "e.npy").write_text("changed")
    (tmp_path / "apart.py").write_text("changed")
    assert load_family(tmp_path / "own.py", "f").source == was
    assert freshness.stamp(spec) != stamp  # a file beside it might be imported without a name
    (tmp_path / "apart.py").write_text("")
    assert freshness.stamp(spec) == stamp


def test_a_name_that_is_no_file_hurts_nobody(tmp_path: Path) -> None:
    words = ["", ".", "/", "..", "a" * 299, "\0", "*", "~", "a/b/c", "{}", "own.py", "é"]
    (tmp_path / "own.py").write_text(f"words = {words!r}\n" + "import own, own.a.b\n")
    assert freshness.read_by(tmp_path / "own.py") == {tmp_path / "own.py"}
    (tmp_path / "bad.py").write_text("def f(:\n")
    assert freshness.read_by(tmp_path / "bad.py") == {tmp_path / "bad.py"}
    assert freshness.read_by(tmp_path / "none.py") == {tmp_path / "none.py"}


Load = Callable[[Path, str], Any]


@pytest.mark.parametrize(
    ("load", "file", "name", "message"),
    [
        (load_rule, "none.py", "sprig", "none.py: no such file"),
        (load_rule, "my_rules.py", "spring", "no function named 'spring'; did you mean 'sprig'?"),
        (load_rule, "my_rules.py", "zzz", "it has broken, broken_too, plain, sprig"),
        (
            load_rule,
            "my_rules.py",
            "sqrt",
            "`sqrt` is not a function of this file; write `def sqrt",
        ),
        (load_rule, "my_rules.py", "broken", "line 18: write `name = where(condition, a, b)`"),
        (load_rule, "my_rules.py", "broken_too", "my_rules.py:22: broken_too: hyperparameter `lr`"),
        (load_family, "my_problems.py", "bare", "my_problems.py:10: put `@problem(start=[...])`"),
        (load_family, "my_problems.py", "bowls", "no function named 'bowls'; did you mean 'bowl'?"),
    ],
)
def test_what_a_file_has_not(folder: Path, load: Load, file: str, name: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        load(folder / file, name)
    assert message in str(caught.value)
    assert file in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("x = 1\ndef f(:\n", ValueError, "bad.py:2: invalid syntax"),
        ("import math\n\nmath.sqrt(-1)\n", ValueError,
         "bad.py:3: the file does not run: ValueError: "),
        ("import nowhere_to_be_found\n", ValueError, "No module named 'nowhere_to_be_found'"),
        ("raise SystemExit\n", ValueError, "bad.py:1: the file does not run: SystemExit"),
        ("from optlab import rule\n\n@rule('me')\ndef f(x, g, *, lr=0.1):\n    x += g\n    return x\n",
         FormError, "line 5: write `name = name + ...`"),
        ("from optlab import rule\n\n@rule('me')\ndef f(x, g, *, lr=True):\n    x = x + g\n"
         "    return x\n", FormError, "bad.py:3: f: `lr=True` is not a number"),
        ("from optlab import problem\n@problem()\ndef f(x):\n    return x[0]\n", ValueError,
         "bad.py:2: the file does not run: ValueError: f: give a start"),
        ("from optlab import problems_\n", ValueError, "bad.py:1: the file does not run: ImportErr"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_run(tmp_path: Path, text: str, kind: Any, message: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(kind) as caught:
        load_rule(tmp_path / "bad.py", "f")
    assert message in str(caught.value)
    assert "bad.py" in str(caught.value)


# ---------------------------------------------------------------- by name


def test_every_kind_of_name_finds_an_optimizer(folder: Path) -> None:
    for use, one_run in (("adam", False), ("optax.lion", True), ("torch.optim.Adam", False),
                         ("my_rules.py:plain", False)):  # fmt: skip
        found = find(use, {}, folder)
        assert isinstance(found.optimizer, Optimizer)
        assert found.optimizer.one_run == one_run
        assert set(found.optimizer.hypers) <= set(found.known)


def test_a_name_of_no_kind() -> None:
    for use in (":adam", "rules.py:"):
        with pytest.raises(ValueError, match=r"names no file or no function; write `use: file.py"):
            find(use, {})
    with pytest.raises(ValueError, match="no optimizer named 'addam'; did you mean 'adam'"):
        find("addam", {})


def test_an_option_error_names_the_option() -> None:
    with pytest.raises(OptionError) as caught:
        find("torch.optim.Adam", {"amsgrad": True})
    assert caught.value.option == "amsgrad"
    assert caught.value.reason.startswith("not supported")
