"""The simulated market: a deterministic function of seed, instrument and time.

`market` says what the rest of the gateway may ask. `synthetic` answers from a path that is made
from the top down, so that a year of days costs no more than its days, and yet every tick is there
when someone looks:

    levels       closing prices from day to day, wandering around the reference price
    days         a day as up to three stretches: before, regular, after
    splitting    a stretch into half hours, a half hour into minutes, a minute into 5-second leaves
    tape         a leaf into at most eight prints
    path         the above for one listing, kept for a while once made
    bars         bars of any size, added up from the largest parts that fit

`derived` stands around any market and adds what rests on others: `options` by `black_scholes` from
their underlying, `combos` from their legs.

A part is a `node`: open, high, low, close, volume and trades as whole numbers. Its own parts add
up to it exactly, so bars of one size are the sum of those of any smaller one, whatever window is
asked for. Chance comes from a mixer of integers (`chance`), spread over the day by `activity`.

`replayed` is a market that really was: bars of files (`bar_file`, `bar_spans`), filled in down to
their prints (`bar_path`) by the same splitting.
"""
