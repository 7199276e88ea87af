"""Draw ``architecture.png``: who imports whom, layer by layer.

usage: python docs/draw_architecture.py            needs the extra ``dev``

Layers are those that ``pyproject.toml`` gives to import-linter; imports are those that grimp finds,
type-checking ones left out. A row holds what one layer imports: an import of a higher layer would
stand right of the diagonal.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ROOT = Path(__file__).parents[1]
PACKAGES = ("beatmeter", "beatmeter_mert")


def layers() -> list[str]:
    """Full names of the layers, from the lowest up, the host's before the plugin's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    stacks = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [name for names in stacks for name in reversed(names)]


def count_imports(graph: grimp.ImportGraph, names: list[str]) -> np.ndarray:
    """How many modules of a layer each module of another imports: shape (layers, layers)."""
    owner = {
        module: row
        for row, name in enumerate(names)
        for module in (name, *graph.find_descendants(name))
    }
    counts = np.zeros((len(names), len(names)), int)
    for module, row in owner.items():
        for imported in graph.find_modules_directly_imported_by(module):
            if owner.get(imported, row) != row:
                counts[row, owner[imported]] += 1
    return counts


def draw(path: Path) -> None:
    """Write the picture."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    names = layers()
    counts = count_imports(graph, names)
    figure = Figure(figsize=(9, 7.5))
    axes = figure.add_subplot()
    shown = np.ma.masked_equal(counts, 0)
    axes.imshow(shown, cmap="Blues", norm=LogNorm(0.5, 2 * counts.max()), aspect="auto")
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.text(column, row, counts[row, column], ha="center", va="center", fontsize=7)
    for row in range(len(names)):
        axes.add_patch(_cell(row))
    modules = [len(graph.find_descendants(name)) + 1 for name in names]
    rows = [f"{name}  ({count})" for name, count in zip(names, modules, strict=True)]
    axes.set_yticks(range(len(names)), rows, fontsize=8)
    axes.set_xticks(range(len(names)), names, fontsize=8, rotation=60, ha="left")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("imported")
    axes.set_ylabel("importing, with its modules; the lowest layer first")
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _cell(row: int) -> Rectangle:
    return Rectangle((row - 0.5, row - 0.5), 1, 1, facecolor="#4a5568", edgecolor="none")


if __name__ == "__main__":
    draw(ROOT / "docs" / "architecture.png")
