"""What a trader sees: the program in a terminal, asserted on the screen and never on bytes."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.api.programs import ROOT, paper_gateway

TIME_LIMIT_S = 20.0
LIVE = "U7654321"
ENTER, TAB, UP, LEFT, CTRL_C, CTRL_D = "\r", "\t", "\x1b[A", "\x1b[D", "\x03", "\x04"


class _Screen(pyte.Screen):
    """An emulator whose answers (where the cursor is) go back to the program."""

    def __init__(self, rows: int, answer: Callable[[str], int] | None) -> None:
        self._answer = answer
        self.rings = 0
        super().__init__(80, rows)

    def bell(self, *_args: object) -> None:
        self.rings += 1

    def write_process_input(self, data: str) -> None:
        if self._answer is not None:
            self._answer(data)


class Terminal:
    """The program in an emulated terminal of 80 columns, which answers what it is asked."""

    def __init__(
        self,
        home: Path,
        command: list[str],
        *,
        answers: bool = True,
        rows: int = 24,
        **settings: str,
    ) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        environment = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "80"}
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            command[1:],
            env=kept | environment | {"DESK_HOME": str(home), "PYTHONPATH": str(ROOT)} | settings,
            cwd=str(home),
            dimensions=(rows, 80),
            timeout=TIME_LIMIT_S,
        )
        self.child.delaybeforesend = None
        self.screen = _Screen(rows, self.child.send if answers else None)
        self._stream = pyte.ByteStream(self.screen)
        self.seen = b""

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def current(self) -> str:
        """The line that the cursor is on."""
        return self.lines[self.screen.cursor.y]

    @property
    def title(self) -> str:
        """The title of the window."""
        return self.screen.title

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def _feed(self) -> None:
        chunk = self.child.read_nonblocking(65_536, timeout=0.05)
        self.seen += chunk
        self._stream.feed(chunk)

    def until(self, happened: Callable[[], bool]) -> None:
        """Let the program go on until the screen is as it should be."""
        deadline = time.monotonic() + TIME_LIMIT_S
        while not happened():
            if time.monotonic() > deadline:
                pytest.fail(f"the screen never came to that:\n{self.text}")
            try:
                self._feed()
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                if not happened():
                    pytest.fail(f"the program ended:\n{self.text}")

    def shows(self, *words: str) -> None:
        self.until(lambda: all(word in self.text for word in words))

    def at_prompt(self, prompt: str = "PAPER>") -> None:
        self.until(lambda: self.current == prompt)

    def ended(self) -> int:
        """Wait for the end; give the exit code as a shell has it."""
        deadline = time.monotonic() + TIME_LIMIT_S
        while time.monotonic() < deadline:
            try:
                self._feed()
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
        self.child.close()
        if self.child.exitstatus is not None:
            return self.child.exitstatus
        return 128 + (self.child.signalstatus or 0)


Opened = Callable[..., Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens terminals with the program in them, or with ``shell`` words for a shell."""
    terminals: list[Terminal] = []

    def open_terminal(
        *words: str, shell: str = "", answers: bool = True, rows: int = 24, **settings: str
    ) -> Terminal:
        program = [sys.executable, "-m", "apps.api.cli", *words]
        command = ["/bin/sh", "-c", shell] if shell else program
        terminals.append(Terminal(tmp_path, command, answers=answers, rows=rows, **settings))
        return terminals[-1]

    try:
        yield open_terminal
    finally:
        for terminal in terminals:
            terminal.child.close(force=True)


def test_prompt_toolbar_and_banner_say_what_this_is(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.shows("simulated by the embedded gateway", "1  Breakout live", "0  Quit")
    terminal.until(lambda: bool(re.search(r"PAPER +DU1234567 │ ready │ watchers 0", terminal.text)))
    terminal.type("quit" + ENTER)
    assert terminal.ended() == 0
    assert "Disconnected." in terminal.text
    assert "Traceback" not in terminal.text


def test_line_is_edited_completed_and_remembered(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("oders" + LEFT * 4 + "r" + ENTER)
    terminal.shows("PAPER> orders", "No working orders.")
    terminal.at_prompt()
    terminal.type("pos" + TAB)
    terminal.until(lambda: terminal.current == "PAPER> positions")
    terminal.type(ENTER)
    terminal.shows("No positions.")
    terminal.at_prompt()
    terminal.type(UP + UP)
    terminal.until(lambda: terminal.current == "PAPER> orders")


def test_alert_appears_above_what_is_being_typed(opened: Opened) -> None:
    terminal = opened(PAPER_SPEED="60")
    terminal.at_prompt()
    terminal.type("breakout start AAPL --level +0.02% --yes; breakout start AAPL --level -0.02% -y")
    terminal.type(ENTER)
    terminal.shows("w2")
    terminal.type("executions --js")
    terminal.shows("FILL")
    terminal.until(lambda: terminal.current == "PAPER> executions --js")
    terminal.type("on" + ENTER)
    terminal.shows("PAPER> executions --json", '"exec_id"')


@pytest.mark.parametrize(("setting", "rings"), [("on", True), ("off", False)])
def test_bell_rings_for_a_fill_unless_it_is_off(opened: Opened, setting: str, rings: bool) -> None:
    terminal = opened(BELL=setting)
    terminal.at_prompt()
    assert terminal.screen.rings == 0
    terminal.type("bracket buy AAPL 5 -y" + ENTER)
    terminal.shows("FILL", "protected")
    terminal.at_prompt()
    assert bool(terminal.screen.rings) is rings


def test_lost_connection_rings_and_stands_in_the_title(opened: Opened) -> None:
    with paper_gateway() as (gateway, where):
        terminal = opened(**where)
        terminal.at_prompt()
        terminal.until(lambda: terminal.title == "PAPER DU1234567 | ready | 0 watchers")
        assert terminal.screen.rings == 0
        gateway.terminate()
        gateway.wait()
    terminal.shows("LINK", "disconnected")
    terminal.until(lambda: terminal.screen.rings == 1)
    terminal.until(lambda: terminal.title.startswith("PAPER DU1234567 | disconnected"))


def test_title_shows_mode_and_watchers_and_is_given_back(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("breakout start AAPL --level +2% -y" + ENTER)
    terminal.until(lambda: terminal.title == "PAPER DU1234567 | ready | 1 watcher")
    terminal.type("quit" + ENTER)
    assert terminal.ended() == 0
    assert terminal.title == ""
    assert terminal.seen.count(b"\x1b[22;2t") == terminal.seen.count(b"\x1b[23;2t") == 1
    assert terminal.seen.index(b"\x1b[22;2t") < terminal.seen.index(b"\x1b]2;")


@pytest.mark.parametrize("term", ["dumb", "linux"])
def test_terminal_without_a_window_gets_no_title_and_a_dumb_one_no_bell(
    opened: Opened, term: str
) -> None:
    terminal = opened(TERM=term)
    terminal.at_prompt()
    terminal.type("bracket buy AAPL 5 -y\n")
    terminal.shows("FILL", "protected")
    terminal.type("quit\n")
    assert terminal.ended() == 0
    assert b"\x1b]2;" not in terminal.seen
    assert bool(terminal.screen.rings) is (term != "dumb")


def test_dialogue_shows_what_it_will_do_and_enter_arms(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    for answer, question in (
        ("1", "Symbol [AAPL]:"),
        ("", "Level (a price, or ±% of last):"),
        ("+2%", "Shares [100]:"),
        ("7", "Take-profit % [1.0]:"),
        ("", "Stop-loss % [0.5]:"),
        ("", "Arm it? Enter = yes, n = no:"),
    ):
        terminal.type(answer + ENTER)
        terminal.at_prompt(question)
    terminal.shows("Entry cap", "Take-profit", "Stop-loss", "Money at risk")
    terminal.type(ENTER)
    terminal.shows("w1   AAPL")
    terminal.until(lambda: "watchers 1" in terminal.lines[-1])


def test_ctrl_c_leaves_the_dialogue_and_twice_quits_with_the_terminal_restored(
    opened: Opened,
) -> None:
    script = f"{sys.executable} -m apps.api.cli; echo code=$?; stty -a; read wait"
    terminal = opened(shell=script)
    terminal.at_prompt()
    terminal.type("bracket buy AAPL 5" + ENTER)
    terminal.at_prompt("Send it? Enter = yes, n = no:")
    terminal.type(CTRL_C)
    terminal.shows("Nothing was sent. Ctrl-C again quits.")
    terminal.at_prompt()
    terminal.type("orders" + ENTER)
    terminal.shows("No working orders.")
    terminal.at_prompt()
    terminal.type("half a li" + CTRL_C)
    terminal.at_prompt()
    assert terminal.text.count("Ctrl-C again quits.") == 1
    terminal.type(CTRL_C)
    terminal.until(lambda: terminal.text.count("Ctrl-C again quits.") == 2)
    terminal.at_prompt()
    terminal.type(CTRL_C)
    terminal.shows("code=130", " icanon", " echo ")
    assert "Traceback" not in terminal.text
    terminal.type(ENTER)
    terminal.ended()


@pytest.mark.parametrize("words", [(), ("bracket", "buy", "AAPL", "5")])
def test_ctrl_d_at_a_confirmation_sends_nothing_and_ends(
    opened: Opened, words: tuple[str, ...]
) -> None:
    terminal = opened(*words)
    if not words:
        terminal.at_prompt()
        terminal.type("bracket buy AAPL 5" + ENTER)
    terminal.at_prompt("Send it? Enter = yes, n = no:")
    terminal.type(CTRL_D)
    assert terminal.ended() == (130 if words else 0)
    assert "FILL" not in terminal.text
    assert "ORDER" not in terminal.text


def test_running_command_is_left_by_ctrl_c_and_the_session_goes_on(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("quote AAPL; wait 600" + ENTER)
    terminal.shows("Symbol", "AAPL  ")
    terminal.until(lambda: terminal.current == "")
    terminal.type(CTRL_C)
    terminal.shows("Ctrl-C again quits.")
    terminal.at_prompt()
    terminal.type(CTRL_D)
    assert terminal.ended() == 0


def test_dumb_terminal_gets_plain_lines_and_alerts_on_lines_of_their_own(opened: Opened) -> None:
    terminal = opened(rows=120, TERM="dumb", PAPER_SPEED="60")
    terminal.at_prompt()
    terminal.type("breakout start AAPL --level +0.02% -y; breakout start AAPL --level -0.02% -y\n")
    terminal.until(lambda: "PAPER>" in terminal.text.partition("w2   AAPL")[2])
    terminal.type("orders")
    # whether an alert comes before it is typed or after, the word stands whole on its line
    terminal.until(lambda: bool({"orders", "PAPER> orders"} & set(terminal.lines)))
    terminal.until(lambda: "FILL" in terminal.text.partition("orders\n")[2])
    assert {"orders", "PAPER> orders"} & set(terminal.lines)
    terminal.type("\n")
    terminal.shows("STP")
    terminal.type("quit\n")
    assert terminal.ended() == 0


def test_connection_lost_while_a_dialogue_is_open_is_told_and_nothing_is_sent(
    opened: Opened,
) -> None:
    with paper_gateway() as (gateway, where):
        terminal = opened(**where)
        terminal.at_prompt()
        terminal.type("bracket buy AAPL 10" + ENTER)
        terminal.at_prompt("Send it? Enter = yes, n = no:")
        gateway.terminate()
    terminal.shows("LINK", "disconnected")
    terminal.at_prompt("Send it? Enter = yes, n = no:")
    terminal.type(ENTER)
    terminal.shows("Try again when it is ready.")
    terminal.until(lambda: terminal.current.startswith("PAPER ("))
    terminal.type("quit" + ENTER)
    assert terminal.ended() == 0
    assert "Traceback" not in terminal.text


def test_pasted_lines_become_commands_and_never_answers(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("\x1b[200~bracket buy AAPL 5\n\norders\x1b[201~" + ENTER)
    terminal.at_prompt("Send it? Enter = yes, n = no:")
    terminal.type("n" + ENTER)
    terminal.shows("Not sent.", "The rest of the line was not done.")


def test_prompt_goes_to_stderr_where_stdout_is_a_file(opened: Opened, tmp_path: Path) -> None:
    script = f"{sys.executable} -m apps.api.cli > out.txt"
    terminal = opened(shell=script)
    terminal.at_prompt()
    terminal.type("orders\nquit\n")
    assert terminal.ended() == 0
    assert "No working orders." not in terminal.text
    results = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "No working orders." in results
    assert "PAPER>" not in results


def test_no_color_leaves_signs_and_no_colours(opened: Opened) -> None:
    terminal = opened(NO_COLOR="1")
    terminal.at_prompt()
    terminal.type("bracket buy AAPL 5 -y; executions" + ENTER)
    terminal.shows("protected", "realised")
    colours = {
        cell.fg for row in terminal.screen.buffer.values() for cell in row.values() if cell.data
    }
    assert colours == {"default"}


def test_terminal_that_never_answers_is_served_without_a_toolbar(opened: Opened) -> None:
    terminal = opened("--no-toolbar", answers=False)
    terminal.at_prompt()
    terminal.type("orders" + ENTER)
    terminal.shows("No working orders.")
    terminal.at_prompt()
    assert "CPR" not in terminal.text
    assert "watchers 0" not in terminal.text


def test_prompt_tells_of_a_halt_while_a_line_is_being_typed(opened: Opened, tmp_path: Path) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("breakout li")
    terminal.until(lambda: terminal.current == "PAPER> breakout li")
    (next(tmp_path.rglob("journal.sqlite")).parent / "KILL").touch()
    terminal.until(lambda: terminal.current == "PAPER (halted)> breakout li")
    terminal.type("st" + ENTER)
    terminal.shows("No watchers")


@pytest.fixture(scope="module")
def live_account() -> Iterator[dict[str, str]]:
    """The settings that lead to a gateway whose account looks like a live one."""
    with paper_gateway("--account", LIVE) as (_, where):
        yield where | {"TRADING_MODE": "live"}


def at_confirmation(terminal: Terminal) -> None:
    terminal.shows(f"LIVE: real money, account {LIVE} at 127.0.0.1", "MAX_ORDER_NOTIONAL")
    terminal.until(lambda: "anything else to leave:" in terminal.current)


def test_live_opens_by_the_typed_account_and_is_red_and_asks_for_yes(
    opened: Opened, live_account: dict[str, str]
) -> None:
    terminal = opened(**live_account)  # all of it has to be in view at once
    at_confirmation(terminal)
    terminal.shows("Net liquidation", "250,000.00 USD", "MAX_ORDER_NOTIONAL", "100,000 USD")
    terminal.type(LIVE + ENTER)
    terminal.at_prompt("LIVE>")
    terminal.shows(f"LIVE account {LIVE}, REAL MONEY.")
    row = terminal.screen.buffer[terminal.screen.cursor.y]
    assert row[0].fg == "red"
    terminal.until(lambda: "LIVE" in terminal.lines[-1])
    toolbar = terminal.screen.buffer[terminal.screen.lines - 1]
    start = terminal.lines[-1].index("LIVE")
    assert {toolbar[column].fg for column in range(start, start + 4)} == {"red"}
    assert terminal.title.startswith("LIVE ")
    for answer in ("", "y"):  # Enter and a single letter are what a hand does by itself
        terminal.type("bracket buy AAPL 5 --limit 10" + ENTER)
        terminal.shows(f"LIVE {LIVE}, 0.25 USD at risk. Send it? Type yes")
        terminal.type(answer + ENTER)
        terminal.shows("Not sent.")
        terminal.at_prompt("LIVE>")
        terminal.screen.reset()
    terminal.type("orders" + ENTER)
    terminal.shows("No working orders.")


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        (ENTER, 4, "was not typed"),
        ("yes" + ENTER, 4, "'yes' is not the account U7654321"),
        ("U765432" + ENTER, 4, "is not the account U7654321"),
        (CTRL_D, 4, "the input ended"),
        (CTRL_C, 130, "Not opened. Nothing was sent."),
    ],
)
def test_live_is_not_opened_by_anything_but_the_account(
    opened: Opened, live_account: dict[str, str], keys: str, code: int, words: str
) -> None:
    terminal = opened(rows=60, **live_account)
    at_confirmation(terminal)
    terminal.type(keys)
    assert terminal.ended() == code
    assert words in terminal.text.replace("\n", "")
    assert "LIVE>" not in terminal.text


def test_sigterm_at_the_prompt_restores_the_terminal(opened: Opened) -> None:
    terminal = opened()
    terminal.at_prompt()
    terminal.type("half a li")
    terminal.until(lambda: terminal.current == "PAPER> half a li")
    terminal.child.kill(15)
    assert terminal.ended() == 143
    assert "Disconnected." in terminal.text
    assert "Traceback" not in terminal.text
