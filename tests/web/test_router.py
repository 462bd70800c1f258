"""Which path a target means: exactly one, or none; and what stands in it."""

import pytest

from slackapp.web.router import Router
from tests.attacks.bad_requests import NOT_AN_ID

LONGEST = "a" * 128


@pytest.mark.parametrize(
    "value", ["a", "0", "T0NORTH001", "a.b", "...", ".a", "a..", "~", "-", "_", LONGEST, "all-of-it"]
)
def test_an_id_is_given_as_it_was_sent(value: str) -> None:
    assert Router(["/things/{id}"]).match(f"/things/{value}") == ("/things/{id}", {"id": value})


@pytest.mark.parametrize("value", [*NOT_AN_ID, "\u0661", "\u00e9", "a\u0130"])
@pytest.mark.claim("C-68")
def test_what_is_no_id_matches_nothing(value: str) -> None:
    router = Router(["/things/{id}", "/things/{id}/parts/{part}"])
    for target in (f"/things/{value}", f"/things/{value}/parts/b", f"/things/a/parts/{value}"):
        assert router.match(target) is None


def test_several_ids_of_one_path_are_told_apart() -> None:
    found = Router(["/things/{id}/parts/{part}"]).match("/things/parts/parts/1")
    assert found == ("/things/{id}/parts/{part}", {"id": "parts", "part": "1"})


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a/b/c", "/a/b/c"),
        ("/a/b/x", "/a/b/{z}"),
        ("/a/x/c", "/a/{y}/{z}"),
        ("/x/b/c", "/{x}/{y}/{z}"),
        ("/a/b", "/a/{y}"),
        ("/", "/"),
    ],
)
def test_the_more_literal_path_wins_in_whatever_order_they_stand(target: str, path: str) -> None:
    paths = ["/{x}/{y}/{z}", "/a/{y}/{z}", "/a/b/{z}", "/a/b/c", "/a/{y}", "/"]
    for order in (paths, paths[::-1]):
        found = Router(order).match(target)
        assert found is not None
        assert found[0] == path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/things/{id}", "/things/{name}"),
        ("/things/{id}/parts", "/things/all/{what}"),
        ("/{a}/b/{c}", "/a/{b}/{c}"),
        ("/{a}/{b}", "/{b}/{a}"),
        ("/x/{a}/y/{b}", "/x/{a}/{c}/z"),
    ],
)
@pytest.mark.claim("C-68")
def test_two_paths_that_one_target_could_mean_are_refused(one: str, other: str) -> None:
    for paths in ([one, other], [other, "/things", one]):
        with pytest.raises(ValueError, match="match the same target"):
            Router(paths)


def test_paths_that_no_target_could_mean_together_are_taken() -> None:
    router = Router(["/things/{id}", "/things/{id}/parts", "/others/{id}", "/things/{id}/rest", "/things/all"])
    assert router.match("/things/all") == ("/things/all", {})
    assert router.match("/things/all/parts") == ("/things/{id}/parts", {"id": "all"})


@pytest.mark.parametrize(
    "path",
    ["", "things", "/things/", "//things", "/{}", "/{Id}", "/{a-b}", "/a{id}", "/{id}b", "/{id}/{id}", "/..", "/a b",
     "/%41", "/{id", "/é", "/" + "a" * 129],
)  # fmt: skip
def test_what_is_no_path_of_a_route_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of a route"):
        Router([path])
