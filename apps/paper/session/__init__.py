"""One client's session: requests in, responses out, by topic.

Pure. `session.py` is the dispatcher, one module beside it for each topic: `reference`
(instruments), `quotes`, `bars` with `history`, `orders` with `order_speech`, `reports` (accounts,
positions, P&L) with `balances`.
"""
