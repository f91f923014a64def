import dagster as dg

from orf_books.dagster_internals import other_schemas


def test_a_new_instance_has_the_schemas_that_this_dagster_works_with() -> None:
    with dg.instance_for_test() as instance:
        assert other_schemas(instance) == []
