"""Single commands beside a desk that runs: they go through it, over a socket in its folder.

`messages` are the words of the conversation and `desk_side` its rules, both pure; `address` is
where the socket is; `listener`, `peer` and `commanded` are the desk's end, `caller` the command's.
`agreement` says whether both mean the same desk, `kill_file` halts one that does not answer.
"""
