import pytest

from beatmeter.errors import WeightsError
from beatmeter.fusion.prior import REPERTOIRE_WORKS, UNIFORM, named_prior, tempered
from beatmeter.fusion.weights import load_weights
from beatmeter.meters import METERS


def test_a_prior_goes_from_uniform_to_the_counts():
    works = {3: 49, 4: 99, 5: 9}
    assert tempered(works, 0.0) == UNIFORM
    assert tempered(works, 1.0) == {3: 0.5, 4: 1.0, 5: 0.1, 7: 0.01, 9: 0.01, 11: 0.01}
    assert tempered(works, 0.5)[5] == pytest.approx(0.1**0.5, abs=1e-4)


def test_the_shipped_prior_is_the_tempered_repertoire():
    shipped = load_weights().prior
    assert sorted(METERS, key=lambda meter: -shipped[meter]) == sorted(
        METERS, key=lambda meter: -REPERTOIRE_WORKS[meter]
    )


def test_a_prior_of_ones_own_comes_from_a_file(tmp_path):
    path = tmp_path / "balkan.toml"
    path.write_text("[prior]\n7 = 3.0\n4 = 0.5\n")
    assert named_prior(str(path)) == UNIFORM | {7: 3.0, 4: 0.5}
    assert named_prior("uniform") == UNIFORM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7 = 3.0", "no table 'prior'"),
        ("[prior]\n6 = 1.0", "prior of '6'"),
        ("[prior", "cannot be read"),
        ("[prior]\n7 = -1", "at least"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, text, message):
    path = tmp_path / "prior.toml"
    path.write_text(text)
    with pytest.raises(WeightsError, match=message):
        named_prior(str(path))


def test_an_unknown_prior_is_named_with_those_there_are():
    with pytest.raises(WeightsError, match=r"prior: 'rock' \(allowed: repertoire, uniform"):
        named_prior("rock")
