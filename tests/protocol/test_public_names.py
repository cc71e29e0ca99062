"""The package shows what it says it shows."""

from graders.engine import protocol


def test_all_names_every_public_name_of_the_package() -> None:
    modules = {"events", "misfits", "order", "order_table", "sse", "texts"}
    public = {name for name in vars(protocol) if not name.startswith("_")} - modules
    assert public == set(protocol.__all__)
