"""The layout of data files as the documentation shows it."""

from fieldcast.datasets.layout import KINDS, LAYOUT, Attribute, Item


def layout_tables() -> dict[str, str]:
    """The layout as Markdown: groups and datasets with their attributes, and what the attributes mean."""
    items = ["| path | type (axes) | what | attributes |", "|---|---|---|---|"]
    meanings: dict[str, None] = {}
    for item in LAYOUT:
        type = f"{item.dtype} ({', '.join(item.axes)})" if item.axes else item.dtype or "group"
        only = "" if item.kinds == KINDS else f" ({item.kinds[0]} only)"
        attributes = ", ".join(_written(attribute) for attribute in item.attributes)
        items.append(f"| `{item.path}`{_mark(item)} | {type} | {item.meaning}{only} | {attributes} |")
        for attribute in item.attributes:
            name = f"`{attribute.name}`{_mark(attribute)}"
            meanings[f"| {name} | {attribute.type.value} | {attribute.meaning} |"] = None
    return {
        "groups and datasets": "\n".join(items),
        "attributes": "\n".join(["| attribute | type | what |", "|---|---|---|", *meanings]),
    }


def _written(attribute: Attribute) -> str:
    choices = " or ".join(
        str(choice).lower() if choice in (True, False) else str(choice) for choice in attribute.choices
    )
    only = "" if attribute.kinds == KINDS else f"{attribute.kinds[0]} only"
    notes = "; ".join(note for note in (choices, only, "" if attribute.required else "may be missing") if note)
    return f"`{attribute.name}`" + (f" ({notes})" if notes else "")


def _mark(thing: Attribute | Item) -> str:
    return " *" if thing.ours else ""
