"""The pages of the operators: their examples run and print what they say, their parameter counts are true."""

import re
from pathlib import Path

import equinox as eqx
import jax
import pytest
from compiled import hasty_compiler
from random_weights import num_parameters

FOLDER = Path(__file__).parents[2] / "docs" / "operators"
PAGES = {page.stem: page.read_text() for page in sorted(FOLDER.glob("*.md"))}
OVERVIEW = PAGES.pop("index")


@pytest.mark.usefixtures("numpy_random")
@pytest.mark.parametrize("name", PAGES)
def test_examples_and_parameter_counts(name, capsys):
    page, variables = PAGES[name], {}
    with hasty_compiler():
        for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            exec(example, variables)
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", page, re.MULTILINE)

    for code, count in re.findall(r"^\| `(.*key=key.*)` \| ([\d,]+) \|", page, re.MULTILINE):
        make = eval(f"lambda key: {code}", variables)
        assert num_parameters(eqx.filter_eval_shape(make, jax.random.key(0))) == int(count.replace(",", ""))


def test_the_overview_names_every_page_and_its_first_count():
    rows = dict(re.findall(r"^\| \[.*\]\((.*)\.md\) .* \| ([\d,]+) \|", OVERVIEW, re.MULTILINE))
    assert set(rows) == set(PAGES) - {"wrappers", "cost"}
    for name, count in rows.items():
        assert count == re.search(r"key=key.*` \| ([\d,]+) \|", PAGES[name])[1], name
