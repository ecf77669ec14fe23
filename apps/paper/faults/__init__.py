"""Faults on demand: what goes wrong between a client, the gateway and the markets, and when.

    "drop on=orderStatus nth=2"  ──┐
    [[fault]] of a TOML file     ──┼──▶ Fault = When × Effect ──▶ plan.step ──▶ who carries it out
    gateway.faults.inject(…)     ──┘

`fault` is the value, `network`, `messages`, `broker` and `markets` are the effects there are (all
of them: ``python -m apps.paper --list-faults``), `language` and `scenario` their written forms.
`plan` decides what fires; it is pure, the same seed and occurrences give the same faults.

`injector` is what a gateway offers as ``gateway.faults``. `link` works on a connection's bytes,
`gate` on its messages; `acts` begins effects, and those that stand for a time are in `conditions`,
`outages`, `line_conditions` and `market_conditions`.
"""
