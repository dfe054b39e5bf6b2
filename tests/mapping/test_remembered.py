"""What was decided before is evidence for what is proposed next."""

import pytest

from octo_core.mapping import Remembered, match, patterns
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.proposal import propose_table
from octo_core.mapping.remembered import recalled
from octo_core.mapping.scoring import Method, score
from octo_core.types import TIME

from .build import catalog, column, expressions, field, schema, table

TARGETS = ["ajcc_stage", "ensat_stage", "colour", "weight"]


def test_a_field_goes_where_it_went_before() -> None:
    before = [Remembered("xyz", "colour", source="old")]
    assert match(["xyz"], TARGETS).assignment == {"xyz": None}
    assert match(["xyz"], TARGETS, remembered=before).assignment == {"xyz": "colour"}


def test_also_where_its_words_are_spelled_another_way() -> None:
    before = [Remembered("XyzAbc", "colour", source="old")]
    assert match(["xyz_abc"], TARGETS, remembered=before).assignment == {"xyz_abc": "colour"}


def test_of_two_columns_that_fit_the_one_that_was_used_is_taken() -> None:
    for used in ("ajcc_stage", "ensat_stage"):
        before = [Remembered("tumour", used, source="old"), Remembered("kg", "weight", source="old")]
        assert match(["stage"], TARGETS, remembered=before, source_name="new").assignment == {"stage": used}


def test_a_field_that_was_left_out_is_left_out_again() -> None:
    before = [Remembered("weight_kg", None, source="old")]
    assert match(["weight_kg"], TARGETS).assignment == {"weight_kg": "weight"}
    assert match(["weight_kg"], TARGETS, remembered=before).assignment == {"weight_kg": None}


def test_of_two_columns_that_fit_the_one_is_taken_that_fields_of_like_values_went_to() -> None:
    roman, letters = ("I", "II", "III", "IV"), ("early", "late", "unclear")
    before = [
        Remembered("stage_now", "ensat_stage", source="old", about=Attribute("stage_now", values=roman)),
        Remembered("stage_then", "ajcc_stage", source="old", about=Attribute("stage_then", values=letters)),
    ]
    for values, fed in ((roman, "ensat_stage"), (letters, "ajcc_stage")):
        source = [Attribute("stage", values=values)]
        assert match(source, TARGETS, remembered=before, source_name="new").assignment == {"stage": fed}


def test_a_column_that_another_field_of_the_source_feeds_is_hardly_free() -> None:
    before = [Remembered("mass", "weight", source="mine")]
    found = match(["weights"], TARGETS, remembered=before, source_name="mine")
    assert found.pairs[0].score < match(["weights"], TARGETS).pairs[0].score


def test_most_votes_count_where_decisions_differ() -> None:
    before = [Remembered("xyz", column, source=str(n)) for n, column in enumerate(["colour", "weight", "colour"])]
    assert match(["xyz"], TARGETS, remembered=before).assignment == {"xyz": "colour"}


def test_what_is_of_no_use_changes_nothing() -> None:
    before = [Remembered("other", "gone", source="old")]
    assert match(["weight_kg"], TARGETS, remembered=before) == match(["weight_kg"], TARGETS)


def test_the_expression_is_taken_over() -> None:
    target = table("person", column("name", "text"))
    source = schema(field("name", "text"))
    before = [Remembered("name", "name", source="things", table="public.person", expr="upper(name)")]
    assert expressions(propose_table(source, target, catalog(target), before)) == {"name": "upper(name)"}


def test_an_expression_that_is_no_longer_possible_is_not() -> None:
    target = table("person", column("name", "text"))
    before = [Remembered("name", "name", expr="concat(gone, name)")]
    assert expressions(propose_table(schema(field("name", "text")), target, catalog(target), before)) == {
        "name": "name"
    }


def test_a_field_that_was_approved_as_it_is_is_rounded_where_it_has_more_decimals_now() -> None:
    target = table("bin", column("height", "decimal(8,2)"))
    before = [Remembered("height", "height", source="things", table="public.bin", expr="height")]
    found = {}
    for kind, value in (("decimal(18,2)", "1.25"), ("decimal(18,7)", "1.2512345"), ("float64", "1.2512345123")):
        source = schema(field("height", kind, value, every=False))
        found[kind] = expressions(propose_table(source, target, catalog(target), before))["height"]
    assert found["decimal(18,2)"] == "height"
    assert found["decimal(18,7)"] == "round(height, 2)"
    assert found["float64"] == "cast(height as decimal(8,2))"


def test_a_conversion_that_was_approved_is_kept_where_the_field_is_a_float_now() -> None:
    target = table("bin", column("height", "decimal(8,2)"))
    before = [Remembered("height", "height", source="things", table="public.bin", expr="round(height * 2.54, 2)")]
    source = schema(field("height", "float64", "1.2512345123", every=False))
    found = expressions(propose_table(source, target, catalog(target), before))
    assert found == {"height": "cast(height * 2.54 as decimal(8,2))"}


DAYS = schema(
    *(field(name, "text", "03.04.2021", "05.06.2021", every=False) for name in ("opened_dt", "closed_dt", "note"))
)
ACCOUNT = table("account", column("opened", "date"), column("closed", "date"), column("note", "text"))
APPROVED = "parse_date(opened_dt, '%d.%m.%Y')"


def carried(expr: str, like_field: str = "opened_dt", native: str = "date") -> dict[str, str | None]:
    one = next(found for found in DAYS.fields if found.name == like_field)
    like = patterns.likeness(one, like_field, native)
    before = [Remembered(like_field, "opened", source="things", table="public.account", expr=expr, like=like)]
    return expressions(propose_table(DAYS, ACCOUNT, catalog(ACCOUNT), before))


def test_a_way_of_writing_is_carried_to_fields_that_are_alike() -> None:
    found = carried(APPROVED)
    assert found == {"opened": APPROVED, "closed": "parse_date(closed_dt, '%d.%m.%Y')", "note": "note"}


def test_it_is_not_where_the_type_of_the_column_or_the_name_s_last_word_is_another() -> None:
    assert carried(APPROVED, native="timestamp")["closed"] != "parse_date(closed_dt, '%d.%m.%Y')"


def test_a_map_of_one_field_s_values_is_its_own() -> None:
    assert patterns.template("map_values(state, 'a', 'b')", "state") is None
    assert patterns.template("concat('state', state)", "state") == "concat('state', \0)"
    assert patterns.written("upper(\0)", '"order date"') == 'upper("order date")'


def test_a_map_of_other_values_is_not_taken_over() -> None:
    target = table("sale", column("state", "text"), checks=("state IN ('sent', 'paid')",))
    before = [Remembered("state", "state", expr="map_values(state, 'S', 'sent', 'P', 'paid')")]
    spelled = schema(field("state", "text", "sent", "paid"))
    assert expressions(propose_table(spelled, target, catalog(target), before)) == {"state": "state"}
    letters = schema(field("state", "text", "S", "P"))
    assert expressions(propose_table(letters, target, catalog(target), before)) == {"state": before[0].expr}


def test_a_map_of_values_to_themselves_is_written_as_the_field() -> None:
    target = table("sale", column("state", "text"), checks=("state IN ('sent', 'paid', 'new')",))
    before = [Remembered("state", "state", expr="map_values(state, 'sent', 'sent', 'paid', 'paid')")]
    for seen, expr in ((("sent", "paid"), "state"), (("sent", "paid", "?!"), before[0].expr)):
        source = schema(field("state", "text", *seen))
        assert expressions(propose_table(source, target, catalog(target), before)) == {"state": expr}


def test_columns_of_the_family_that_the_reviewer_chose_go_first() -> None:
    columns = [f"{kind}_{part}_code" for kind in ("alba", "zeta") for part in ("width", "colour", "weight", "pressure")]
    before = [Remembered(name, f"zeta_{name}_code", source="mine") for name in ("width", "colour")]
    found = match(["weight"], columns, remembered=before, source_name="mine").assignment
    assert found == {"weight": "zeta_weight_code"}


def test_a_field_that_is_another_s_counterpart_says_nothing_of_the_next_likest() -> None:
    stages = Attribute("stage", values=("I", "II", "III", "IV"))
    before = [Remembered("stage", "ensat_stage", source="old", about=stages)]
    source = [stages, Attribute("stage_old", values=stages.values)]
    found = match(source, TARGETS, remembered=before, source_name="new")
    alone = match(source, TARGETS)
    scores, without = ({(one.source, one.target): one.score for one in some.pairs} for some in (found, alone))
    assert found.assignment["stage"] == "ensat_stage"
    gained = {name: scores[name, "ensat_stage"] - without[name, "ensat_stage"] for name in ("stage", "stage_old")}
    assert gained["stage"] > 0.1
    assert gained["stage_old"] < 0.01


def test_that_a_column_was_used_says_which_one_and_never_that_there_is_one() -> None:
    columns = ["ajcc_stage", "ensat_stage", "colour", "weight"]
    before = [Remembered("depth", "colour", source="old"), Remembered("kg", "weight", source="old")]
    source = ["tone", "stage"]
    best, usual = (
        {name: max(pair.score for pair in found.pairs if pair.source == name) for name in source}
        for found in (match(source, columns, remembered=before, source_name="new"), match(source, columns))
    )
    assert best == pytest.approx(usual, abs=1e-9)


def test_the_word_that_was_chosen_in_one_family_is_preferred_in_the_next() -> None:
    columns = [f"{kind}_{part}" for part in ("colour", "weight") for kind in ("alba", "zeta")]

    def ahead(chosen: str) -> float:
        before = [Remembered("colour", f"{chosen}_colour", source="old")]
        pairs = match(["weight"], columns, remembered=before, source_name="new").pairs
        scores = {one.target: one.score for one in pairs}
        return scores["zeta_weight"] - scores["alba_weight"]

    assert ahead("zeta") > ahead("alba") + 0.01


def test_fields_are_left_out_whose_words_were_left_out_where_the_matcher_expected_a_column() -> None:
    columns = ["batch_weight", "batch_colour", "weight", "colour"]

    def best(columns_of_lab: list[str | None]) -> float:
        fields = ["lab_weight", "lab_colour"]
        before = [Remembered(one, two, source="old") for one, two in zip(fields, columns_of_lab, strict=True)]
        return match(["lab_batch_weight"], columns, remembered=before, source_name="new").pairs[0].score

    alone = match(["lab_batch_weight"], columns).pairs[0].score
    assert best([None, None]) < alone - 0.1
    assert best(["weight", "colour"]) == pytest.approx(alone, abs=0.1)


def test_a_column_that_the_matcher_took_and_the_reviewer_did_not_is_less_likely_the_next_time() -> None:
    columns = ["site_of_sample", "site_of_disease", "weight"]
    said = {
        column: match(["site_now"], columns, remembered=[Remembered("place_site", column, source="old")]).pairs
        for column in columns[:2]
    }
    ahead = {
        column: {one.target: one.score for one in pairs}["site_of_sample"]
        - {one.target: one.score for one in pairs}["site_of_disease"]
        for column, pairs in said.items()
    }
    assert ahead["site_of_sample"] > ahead["site_of_disease"] + 0.02


def test_of_a_source_with_many_more_fields_than_others_fed_more_is_left_out() -> None:
    before = [Remembered(f"q{n}x", "weight" if n < 2 else None, source="old") for n in range(12)]
    narrow, wide = ["weight_kg"], ["weight_kg", *(f"z{n}y" for n in range(40))]
    scores = [match(source, TARGETS, remembered=before, source_name="new").pairs[0].score for source in (narrow, wide)]
    alone = [match(source, TARGETS).pairs[0].score for source in (narrow, wide)]
    assert scores[0] == pytest.approx(alone[0])
    assert scores[1] < alone[1]


def test_very_many_decisions_are_no_more_than_certain() -> None:
    before = [Remembered("weight_kg", None, source=str(n)) for n in range(300)]
    assert match(["weight_kg"], TARGETS, remembered=before).assignment == {"weight_kg": None}


def test_the_same_words_count_of_however_many_sources() -> None:
    before = [Remembered("xyz", "colour", source="oldest")]
    before += [Remembered(f"height_{n}", "weight", source=str(n)) for n in range(30)]
    assert match(["xyz", "height"], TARGETS, remembered=before).assignment["xyz"] == "colour"


def test_what_is_made_of_a_field_may_be_called_as_it_is() -> None:
    source = [Attribute("dep_time"), Attribute("dep_time", type=TIME), Attribute("gate")]
    before = [Remembered("dep_time", None, source="flights"), Remembered("gate", "colour", source="flights")]
    target = [Attribute(name) for name in TARGETS]
    plain = score(source, target, Method()).score
    found = recalled(plain, source, target, before, source_name="flights")
    assert found.shape == plain.shape
    assert found[2, TARGETS.index("colour")] > 0.9
