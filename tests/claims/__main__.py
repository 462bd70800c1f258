"""`make claims`: writes docs/claims.md anew."""

from tests.claims.page import PAGE, render
from tests.claims.sources import anchors, claims, shown

PAGE.write_text(render(), "utf-8")
print(f"{PAGE.name}: {len(claims())} claims, {len(anchors())} anchors, {len(shown())} tests")
