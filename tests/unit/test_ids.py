"""Ids of buttons: what is built is read back, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui.ids import build, one_of, template
from bot.ui.reporting import ReportForm


@given(st.integers(1, 10**18 - 1))
def test_an_id_is_read_back_as_the_job_it_was_built_for(job_id: int) -> None:
    """A button pressed next month cancels the job it was made for; Discord allows 100."""
    built = build(job_id, "cancel")
    found = template("cancel").fullmatch(built)

    assert found is not None
    assert int(found["id"]) == job_id
    assert len(built) <= 100


@pytest.mark.parametrize(
    "text",
    [
        "job:0:cancel",
        "job:01:cancel",
        "job:-1:cancel",
        "job::cancel",
        "job:1:cancelled",
        "job:1:redo",
        "job:1cancel",
        "xjob:1:cancel",
        "job:1:cancel ",
        "job:1:cancel\n",
        "job:1234567890123456789:cancel",
        "job:1\u0663:cancel",
        "job:\uff11:cancel",
    ],
)
def test_anything_else_is_no_id_of_ours(text: str) -> None:
    """Neither other verbs nor numbers that could be read in two ways."""
    assert template("cancel").fullmatch(text) is None


def test_a_verb_is_taken_literally() -> None:
    """A dot in a verb is a dot."""
    assert template("a.b").fullmatch("job:1:axb") is None
    assert template("a.b").fullmatch(build(1, "a.b")) is not None


def test_one_of_several_verbs_is_told_from_the_others() -> None:
    """Also where one begins as another does; and no other verb is taken for one."""
    either = one_of("delete", "delete-now", "share")
    for verb in ("delete", "delete-now", "share"):
        found = either.fullmatch(build(7, verb))
        assert found is not None
        assert (found["id"], found["what"]) == ("7", verb)
    for other in ("deleted", "delete-", "cancel", "share-delete", ""):
        assert either.fullmatch(build(7, other)) is None


@pytest.mark.parametrize("number", [1, 9, 10**18 - 1, 10**18, 8_999_999_999_999_999_999])
def test_a_report_is_about_the_message_that_its_form_names(number: int) -> None:
    """Ids of messages are longer than numbers of jobs."""
    found = ReportForm.template.fullmatch(ReportForm(number).custom_id)
    assert found is not None
    assert ReportForm.of(found).message_id == number


@pytest.mark.parametrize("number", ["0", "01", "9223372036854775808", "9999999999999999999"])
def test_a_forged_report_names_no_number_that_the_database_cannot_hold(number: str) -> None:
    """It was answered with something wrong on my side, and filled the log with tracebacks."""
    assert ReportForm.template.fullmatch(f"report:{number}") is None
