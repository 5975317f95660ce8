"""What stands on a page, worked here by hand in 50 digits, with no rule of the house."""

from __future__ import annotations

import mpmath

mpmath.mp.dps = 50


def page(name, start, gradients, hypers, wrote=lambda place, value: value):
    """[(step, line, parameter, value)] of one optimizer; everything is given as text. `wrote` is what
    a student puts down for a value, and goes on with: its place is (step, line, parameter)."""
    h = {key: mpmath.mpf(text) for key, text in hypers.items()}
    work = {"sgd": _sgd, "momentum": _momentum, "rmsprop": _rmsprop, "adam": _adam}[name]
    by_parameter = {}
    for p, row in gradients.items():
        lines = work(mpmath.mpf(start[p]), [mpmath.mpf(g) for g in row], h,
                     lambda t, line, value, p=p: wrote((t, line, p), value))  # fmt: skip
        for t, line, value in lines:
            by_parameter[t, line, p] = value
    order = {"m": 0, "v": 1, "s": 1, "m_hat": 2, "v_hat": 3, "x": 4}
    names = list(start)
    places = sorted(by_parameter, key=lambda at: (at[0], order[at[1]], names.index(at[2])))
    return [(*place, by_parameter[place]) for place in places]


def _sgd(w, gradients, h, put):
    for t, g in enumerate(gradients, start=1):
        w = put(t, "x", w - h["lr"] * g)
        yield t, "x", w


def _momentum(w, gradients, h, put):
    v = mpmath.mpf(0)
    for t, g in enumerate(gradients, start=1):
        v = put(t, "v", h["beta"] * v + h["lr"] * g)
        w = put(t, "x", w - v)
        yield from ((t, "v", v), (t, "x", w))


def _rmsprop(w, gradients, h, put):
    s = mpmath.mpf(0)
    for t, g in enumerate(gradients, start=1):
        s = put(t, "s", h["beta"] * s + (1 - h["beta"]) * g**2)
        w = put(t, "x", w - h["lr"] * g / mpmath.sqrt(s + h["eps"]))
        yield from ((t, "s", s), (t, "x", w))


def _adam(w, gradients, h, put):
    m = v = mpmath.mpf(0)
    for t, g in enumerate(gradients, start=1):
        m = put(t, "m", h["beta1"] * m + (1 - h["beta1"]) * g)
        v = put(t, "v", h["beta2"] * v + (1 - h["beta2"]) * g**2)
        m_hat = put(t, "m_hat", m / (1 - h["beta1"] ** t))
        v_hat = put(t, "v_hat", v / (1 - h["beta2"] ** t))
        w = put(t, "x", w - h["lr"] * m_hat / (mpmath.sqrt(v_hat) + h["eps"]))
        yield from ((t, "m", m), (t, "v", v), (t, "m_hat", m_hat), (t, "v_hat", v_hat), (t, "x", w))


def written(value, digits=4):
    """A value as a student writes it: to so many decimals, below 0.1 to so many figures, half up."""
    places = digits
    if value != 0 and abs(value) < mpmath.mpf("0.1"):
        places = digits - 1 - int(mpmath.floor(mpmath.log10(abs(value))))
    scaled = str(int(mpmath.floor(abs(value) * 10**places + mpmath.mpf("0.5"))))
    scaled = scaled.rjust(places + 1, "0")
    return ("-" if value < 0 else "") + f"{scaled[:-places]}.{scaled[-places:]}"


def entry(line, parameter):
    """The name under which a line is entered."""
    return parameter if line == "x" else f"{line}_{parameter}"
