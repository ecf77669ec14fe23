"""One client's side of the gateway: requests come in, responses wait in its outbox.

`session` gives each request to the topic that answers it. A `Topic` has the client, the world and
the streams that it started; there is one for each thing that a client can talk about: instruments
(`reference`, `options`), quotes and depth, ticks, bars and their history, scanners, news, orders,
positions, account values, profit and loss, and what IB refuses (`refused`). What the topics say is
read from the world; what they ask of it goes to the exchange. Nothing here knows a socket or a
clock.
"""
